/**
 * A data folder with many events in its history, made by `clew import` in slices of time, and the same
 * events in a DuckDB file. It is costly, so it is kept in the run's cache folder.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startClew } from '../../../test/conformance/clew-server.ts'
import type { Context } from '../../scenario.ts'
import { clewCommand, importEvents } from '../servers/clew-command.ts'
import { createEventTable, type EventTable } from './duckdb-events.ts'
import { ATTRIBUTES, type Attribute, type IndexedEvent, readEvents } from './indexed-events.ts'
import { HISTORY_MS, makeEvents } from './synthetic-events.ts'

/** Each needs a key of its own, which is slow to make. */
const accountsOf = ({ quick }: Context): number => (quick ? 1 : 5)
const BATCH_EVENTS = 1_000_000
/** A day of margin: making ten million events takes an hour, and a kept folder is used again. */
const PERIOD_MS = HISTORY_MS - 86_400_000
/** Sampled events a wanted look-up: not every event has every attribute. */
const SAMPLES_PER_LOOKUP = 4

export interface Lookup {
  readonly account: string
  readonly region: string
  readonly attribute: Attribute
  readonly value: string
}

export interface HistoryFolder {
  readonly data: string
  readonly duckdb: string
  readonly events: number
  /** As they occur in the events: frequent values more often. */
  readonly lookups: readonly Lookup[]
  /** Root keys by account. */
  readonly keys: Readonly<Record<string, { accessKeyId: string; secretAccessKey: string }>>
}

const makeKeys = async (
  data: string,
  accounts: readonly string[],
): Promise<HistoryFolder['keys']> => {
  const keys: Record<string, { accessKeyId: string; secretAccessKey: string }> = {}
  for (const account of accounts) {
    const place = ['--data', data]
    // 2: the account is there already.
    await clewCommand(['keys', 'create-account', account, ...place], [0, 2])
    const owner = ['--root', '--account', account]
    keys[account] = JSON.parse(
      await clewCommand(['keys', 'create-key', ...owner, '--json', ...place]),
    )
  }
  return keys
}

/** One slice: into Clew, into DuckDB, and some of its events as samples. */
const addSlice = async (
  file: string,
  data: string,
  table: EventTable,
  every: number,
): Promise<{ imported: number; samples: IndexedEvent[] }> => {
  const { imported } = await importEvents(file, data)
  const samples: IndexedEvent[] = []
  let count = 0
  for await (const event of readEvents(file)) {
    table.append(event)
    if (count++ % every === 0) samples.push(event)
  }
  table.flush()
  return { imported, samples }
}

const lookupsOf = (samples: readonly IndexedEvent[], each: number): Lookup[] =>
  ATTRIBUTES.flatMap((attribute) =>
    samples
      .filter(({ isManagement }) => isManagement)
      .flatMap(({ account, region, values }) => {
        const value = values[attribute][0]
        return value === undefined ? [] : [{ account, region, attribute, value }]
      })
      .filter((_, at, all) => at % Math.max(1, Math.floor(all.length / each)) === 0)
      .slice(0, each),
  )

const build = async (folder: string, events: number, context: Context): Promise<HistoryFolder> => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const data = join(folder, 'data')
  const duckdb = join(folder, 'events.duckdb')
  const clew = await startClew({ data })
  const table = await createEventTable(duckdb)
  const every = Math.max(1, Math.floor(events / (context.sizes.lookups * SAMPLES_PER_LOOKUP)))
  const samples: IndexedEvent[] = []
  let imported = 0
  try {
    const start = Date.now() - PERIOD_MS
    for (let done = 0; done < events; done += BATCH_EVENTS) {
      const count = Math.min(BATCH_EVENTS, events - done)
      const at = (share: number): number => start + (share / events) * PERIOD_MS
      const file = join(folder, 'slice.ndjson')
      await makeEvents(file, {
        ...{ events: count, seed: 1 + done / BATCH_EVENTS, accounts: accountsOf(context) },
        ...{ start: at(done), end: at(done + count) },
      })
      const slice = await addSlice(file, data, table, every)
      samples.push(...slice.samples)
      imported += slice.imported
      rmSync(file)
      context.log(`${imported} events in the history`)
    }
    await clew.flush()
  } finally {
    table.close()
    await clew.stop()
  }
  const lookups = lookupsOf(samples, context.sizes.lookups)
  const keys = await makeKeys(data, [...new Set(lookups.map(({ account }) => account))])
  return { data, duckdb, events: imported, lookups, keys }
}

/** Built once for each number of events. */
export const historyFolder = async (context: Context, events: number): Promise<HistoryFolder> => {
  const folder = join(context.cache, `history-${events}-${context.sizes.lookups}`)
  const ready = join(folder, 'ready.json')
  if (existsSync(ready)) return JSON.parse(readFileSync(ready, 'utf8')) as HistoryFolder
  context.log(`making a history of ${events} events`)
  const made = await build(folder, events, context)
  writeFileSync(ready, JSON.stringify(made), { mode: 0o600 })
  return made
}
