/**
 * Time of look-ups in a history on disk, by attribute, each for the account and region of an event
 * that has the value, pages of 50:
 *
 *   node --no-maglev bench/history-lookups.ts FOLDER [--rounds N] [--to ISO]
 *
 * Times are CPU milliseconds of the thread: a search is synchronous but for its turns, so that this is
 * what it takes on an idle machine whose page cache holds the files. `--wall` gives elapsed time.
 */
import { parseArgs } from 'node:util'
import { lookupAttributesOf } from '../src/history/attributes.ts'
import type {
  History,
  HistoryPosition,
  HistoryQuery,
  LookupAttributeKey,
} from '../src/history/history.ts'
import { parseRecord } from '../src/history/json.ts'
import { openHistory } from '../src/history/reader.ts'
import { systemClock } from '../src/platform/clock.ts'
import { masterKeyOf } from '../src/platform/encryption.ts'
import { silentLogger } from '../src/platform/logger.ts'

const DAY_MS = 86_400_000
const PAGE = 50
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '100' },
    to: { type: 'string', default: '2026-11-21T00:00:00Z' },
    wall: { type: 'boolean', default: false },
  },
})
const to = Date.parse(values.to)
const from = to - 90 * DAY_MS
const rounds = Number(values.rounds)

let seed = 7
const random = (): number => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

const timed = async <Result>(work: () => Promise<Result>): Promise<[number, Result]> => {
  const [wall, cpu] = [performance.now(), process.threadCpuUsage()]
  const result = await work()
  const spent = process.threadCpuUsage(cpu)
  return [values.wall ? performance.now() - wall : (spent.user + spent.system) / 1000, result]
}

interface Sample {
  readonly account: string
  readonly region: string
  readonly values: ReadonlyMap<LookupAttributeKey, string>
}

/** Events of random moments. */
const samplesOf = async (history: History): Promise<Sample[]> => {
  const samples: Sample[] = []
  while (samples.length < rounds) {
    const at = from + random() * 89 * DAY_MS
    const query = { category: 'Management' as const, attributes: [], limit: 1 }
    const { events } = await history.search({ ...query, from: at, to: at + DAY_MS / 24 })
    const record = parseRecord(events[0]?.text ?? Buffer.alloc(0))
    if (record === undefined) continue
    const own = lookupAttributesOf(record)
    const resource = own.resources[0]
    const pairs: [LookupAttributeKey, string | undefined][] = [
      ['EventId', String(record.eventID)],
      ['EventName', own.eventName],
      ['ReadOnly', own.readOnly],
      ['Username', own.username],
      ['ResourceType', resource?.ResourceType],
      ['ResourceName', resource?.ResourceName],
      ['EventSource', own.eventSource],
      ['AccessKeyId', own.accessKeyId],
    ]
    const known = pairs.flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    )
    const account = String(record.recipientAccountId)
    samples.push({ account, region: String(record.awsRegion), values: new Map(known) })
  }
  return samples
}

const quantile = (sorted: readonly number[], q: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2)

const report = (name: string, times: number[], hits: number): void => {
  times.sort((a, b) => a - b)
  const [p50, p99, max] = [quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)]
  const mean = (hits / Math.max(1, times.length)).toFixed(1)
  process.stdout.write(`${name.padEnd(36)} p50 ${p50}  p99 ${p99}  max ${max}  (${mean} hits)\n`)
}

const measure = async (
  history: History,
  name: string,
  queries: readonly HistoryQuery[],
): Promise<void> => {
  const times: number[] = []
  let hits = 0
  for (const query of queries) {
    const [time, { events }] = await timed(() => history.search(query))
    times.push(time)
    hits += events.length
  }
  report(name, times, hits)
}

const tenthPages = async (
  history: History,
  queries: readonly HistoryQuery[],
): Promise<HistoryQuery[]> => {
  const tenth: HistoryQuery[] = []
  for (const query of queries.slice(0, rounds / 4)) {
    let after: HistoryPosition | undefined
    for (let page = 1; page < 10; page++) {
      const { next } = await history.search(after === undefined ? query : { ...query, after })
      after = next
      if (after === undefined) break
    }
    if (after !== undefined) tenth.push({ ...query, after })
  }
  return tenth
}

const run = async (): Promise<void> => {
  const options = { folder: positionals[0] ?? '', clock: systemClock, logger: silentLogger }
  const open = () => openHistory({ ...options, master: masterKeyOf(Buffer.alloc(32, 7)) })
  const history = await open()
  const scope = { account: '100000000000', region: 'region-1', category: 'Management' as const }
  const absent = (key: LookupAttributeKey): HistoryQuery => ({
    ...{ ...scope, from, to, limit: PAGE },
    attributes: [{ key, value: `absent-${random()}` }],
  })
  await measure(history, 'first look-up of all (absent)', [absent('ResourceName')])
  const samples = await samplesOf(history)
  const keys: LookupAttributeKey[] = ['EventId', 'EventName', 'ReadOnly', 'Username']
  keys.push('ResourceType', 'ResourceName', 'EventSource', 'AccessKeyId')
  for (const key of keys) {
    const queries = samples.flatMap(({ account, region, values: known }): HistoryQuery[] => {
      const value = known.get(key)
      if (value === undefined) return []
      const attributes = [{ key, value }]
      return [{ account, region, category: 'Management', attributes, from, to, limit: PAGE }]
    })
    await measure(history, `${key}, 90 days`, queries)
    const short = queries.map((query) => {
      const start = from + random() * 87 * DAY_MS
      return { ...query, from: start, to: start + 3 * DAY_MS }
    })
    await measure(history, `${key}, 3 days`, short)
    const tenth = await tenthPages(history, queries)
    if (tenth.length > 0) await measure(history, `${key}, tenth page`, tenth)
    await measure(
      history,
      `${key}, absent`,
      Array.from({ length: rounds / 2 }, () => absent(key)),
    )
  }
  const rss = Math.round(process.memoryUsage.rss() / 1_048_576)
  process.stdout.write(`resident memory of the reader: ${rss} MiB\n`)
  await history.close()
}

await run()
