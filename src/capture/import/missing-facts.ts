/**
 * What the catalogue says of events whose own text does not: older records have no `eventCategory`,
 * some no `readOnly` (DESIGN.md §5). The text itself is never changed.
 */
import type { EventPredicate } from '../../event/selectors/compile.ts'
import type { Catalogue, Operation } from '../catalogue/catalogue.ts'
import { isDataEvent } from '../services/data-events.ts'
import { eventNameOf, eventSourceOf, looksReadOnly } from '../services/names.ts'

export interface OperationFacts {
  readonly isData: boolean
  readonly readOnly: boolean
}

export type FactsOf = (eventSource: unknown, eventName: unknown) => OperationFacts

/** Pairs of source and name that are remembered; real logs have some thousands. */
const REMEMBERED_MAX = 20_000
/** What CloudTrail puts behind names of Lambda and CloudFront (reference/capture.md §1.4). */
const VERSION_SUFFIX = /(\d{8}(v\d+)?|\d{4}_\d\d_\d\d)$/

interface Found {
  readonly serviceId: string
  readonly signingName: string
  readonly operation: Operation
}

export const createFactsOf = (catalogue: Catalogue): FactsOf => {
  const bySource = Map.groupBy(catalogue.index, ({ id, signingName }) =>
    eventSourceOf(signingName, id),
  )
  const known = new Map<string, OperationFacts>()

  const find = (source: string, name: string): Found | undefined => {
    const bare = name.replace(VERSION_SUFFIX, '')
    for (const { id, signingName } of bySource.get(source) ?? []) {
      const operations = catalogue.service(id)?.operations
      const exact = operations?.get(name) ?? operations?.get(bare)
      const operation =
        exact ??
        [...(operations?.values() ?? [])].find((each) => eventNameOf(id, each.name) === name)
      if (operation !== undefined) return { serviceId: id, signingName, operation }
    }
    return undefined
  }

  const decide = (source: string, name: string): OperationFacts => {
    const found = find(source, name)
    if (found === undefined) return { isData: false, readOnly: looksReadOnly(name) }
    const { serviceId, signingName, operation } = found
    const isData = isDataEvent(serviceId, operation.name, signingName)
    return { isData, readOnly: operation.readOnly }
  }

  return (eventSource, eventName) => {
    if (typeof eventSource !== 'string' || typeof eventName !== 'string') {
      return { isData: false, readOnly: false }
    }
    const key = `${eventSource} ${eventName}`
    const before = known.get(key)
    if (before !== undefined) return before
    const facts = decide(eventSource, eventName)
    if (known.size < REMEMBERED_MAX) known.set(key, facts)
    return facts
  }
}

/**
 * A trail's selectors, asked with the catalogue's `readOnly` where a record has none. Captured
 * records always have it.
 */
export const withDecidedReadOnly = (selects: EventPredicate, factsOf: FactsOf): EventPredicate => {
  const asked = (...[record, sealed]: Parameters<EventPredicate>): boolean => {
    if (record.readOnly !== undefined) return selects(record, sealed)
    const { readOnly } = factsOf(record.eventSource, record.eventName)
    return selects({ ...record, readOnly }, sealed)
  }
  return Object.assign(asked, { always: selects.always })
}
