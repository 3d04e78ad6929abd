/** Reads the fields that selectors ask for out of a parsed record, whatever its JSON is. */

export type EventRecord = Readonly<Record<string, unknown>>

export interface EventResource {
  readonly type: string | undefined
  /** ARN, or ARNPrefix of list calls (reference/formats.md §1.5). */
  readonly arn: string | undefined
}

const isObject = (value: unknown): value is EventRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (record: EventRecord, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : undefined

/** An event that does not say so is a write: a filter for writes must not lose it. */
export const isReadOnly = (event: EventRecord): boolean => textOf(own(event, 'readOnly')) === 'true'

export const resourcesOf = (event: EventRecord): readonly EventResource[] => {
  const resources = own(event, 'resources')
  if (!Array.isArray(resources)) return []
  return resources.filter(isObject).map((resource) => ({
    type: textOf(own(resource, 'type')),
    arn: textOf(own(resource, 'ARN')) ?? textOf(own(resource, 'ARNPrefix')),
  }))
}

/** The text of a selector's field, save `eventCategory` and `resources.*`; undefined when absent. */
export const fieldOf = (event: EventRecord, field: string): string | undefined => {
  if (field === 'readOnly') return String(isReadOnly(event))
  if (field === 'userIdentity.arn') {
    const identity = own(event, 'userIdentity')
    return isObject(identity) ? textOf(own(identity, 'arn')) : undefined
  }
  return textOf(own(event, field))
}
