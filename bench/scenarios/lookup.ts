/** LookupEvents by every attribute, over HTTP, in histories of two sizes. */
import type { Context, Prepared, Round, Sample, Scenario, Target } from '../scenario.ts'
import { isOk, openConnection } from '../support/client/load.ts'
import { REGION, signedRequest } from '../support/client/signed-request.ts'
import { timeQueries } from '../support/data/duckdb-events.ts'
import { type HistoryFolder, historyFolder, type Lookup } from '../support/data/history-folder.ts'
import { ATTRIBUTES, type Attribute } from '../support/data/indexed-events.ts'
import { syntheticMissing } from '../support/data/synthetic-events.ts'
import { startMeasured } from '../support/servers/clew.ts'
import { importMissing } from '../support/servers/clew-command.ts'
import { cpuMicrosOf } from '../support/servers/processes.ts'
import { figure, grouped, medianOf, quantileOf } from '../support/statistics.ts'

const TARGET = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents'
/** DuckDB takes up to a tenth of a second for each. */
const COMPARED_MAX = 40
const SIZES = ['small', 'large'] as const
type Size = (typeof SIZES)[number]

const only = (folder: HistoryFolder, wanted: Attribute): Lookup[] =>
  folder.lookups.filter(({ attribute }) => attribute === wanted)

/** Milliseconds of each; every answer must have an event. */
const timeLookups = async (
  host: string,
  port: number,
  { keys }: HistoryFolder,
  lookups: readonly Lookup[],
): Promise<number[]> => {
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const connection = await openConnection(port, broken.reject)
  const times: number[] = []
  try {
    for (const { account, region, attribute, value } of lookups) {
      const key = keys[account]
      if (key === undefined) throw new Error(`there is no key of account ${account}`)
      const body = JSON.stringify({
        LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value }],
        MaxResults: 50,
      })
      const call = { signingName: 'cloudtrail', target: TARGET, body, version: '1.1' } as const
      const request = await signedRequest({ ...key, host, ...call, region: region || REGION })
      const at = performance.now()
      const answered = new Promise<Buffer>((resolve) => connection.ask(request, resolve))
      const answer = await Promise.race([answered, broken.promise])
      times.push(performance.now() - at)
      if (!isOk(answer) || !answer.includes('"EventId"')) {
        throw new Error(`no event by ${attribute} ${value}: ${answer.toString('utf8', 0, 500)}`)
      }
    }
  } finally {
    connection.close()
  }
  return times
}

const measureFolder = async (folder: HistoryFolder, size: Size): Promise<Sample> => {
  const clew = await startMeasured({ data: folder.data })
  try {
    const sample: Record<string, number> = {}
    const before = cpuMicrosOf(clew.processes.front)
    for (const attribute of ATTRIBUTES) {
      const lookups = only(folder, attribute)
      const times = await timeLookups(clew.host, clew.port, folder, lookups)
      sample[`${size}${attribute}P50`] = quantileOf(times, 0.5)
      sample[`${size}${attribute}P99`] = quantileOf(times, 0.99)
    }
    const front = cpuMicrosOf(clew.processes.front) - before
    return { ...sample, [`${size}CpuMs`]: front / 1000 / folder.lookups.length }
  } finally {
    await clew.stop()
  }
}

const compareFolder = async (folder: HistoryFolder, size: Size): Promise<Sample> => {
  const sample: Record<string, number> = {}
  for (const attribute of ATTRIBUTES) {
    const lookups = only(folder, attribute).slice(0, COMPARED_MAX)
    const times = await timeQueries(folder.duckdb, attribute, lookups)
    sample[`${size}${attribute}P50`] = quantileOf(times, 0.5)
    sample[`${size}${attribute}P99`] = quantileOf(times, 0.99)
  }
  return sample
}

const prepare = async (context: Context): Promise<Prepared> => {
  const { lookupEvents, lookupEventsLarge } = context.sizes
  const folders = {
    small: await historyFolder(context, lookupEvents),
    large: await historyFolder(context, lookupEventsLarge),
  }
  return {
    measure: async () => ({
      ...(await measureFolder(folders.small, 'small')),
      ...(await measureFolder(folders.large, 'large')),
    }),
    compare: async () => ({
      ...(await compareFolder(folders.small, 'small')),
      ...(await compareFolder(folders.large, 'large')),
    }),
    close: async () => {},
  }
}

const slowest = (rounds: readonly Round[], side: 'measured' | 'compared', size: Size): number =>
  Math.max(
    ...ATTRIBUTES.map((name) =>
      medianOf(rounds, (round) => figure(round[side], `${size}${name}P99`)),
    ),
  )

const target = (size: Size, events: number, msMax: number): Target => ({
  measure: `LookupEvents by each attribute, ${grouped(events)} events, slowest p99`,
  reach: `≤ ${msMax} ms`,
  comparedWith: 'DuckDB on the same events',
  judge: (rounds) => {
    const mine = slowest(rounds, 'measured', size)
    const theirs = slowest(rounds, 'compared', size)
    const cpu = medianOf(rounds, ({ measured }) => figure(measured, `${size}CpuMs`)).toFixed(1)
    const result = `${mine.toFixed(1)} ms (DuckDB ${theirs.toFixed(1)} ms; CPU of the front ${cpu} ms each)`
    return { result, met: mine <= msMax }
  },
})

export const lookup: Scenario = {
  name: 'lookup',
  title: 'Look-ups',
  method: ({ sizes }) =>
    `LookupEvents over HTTP by the root user of the account, one after the other on one connection, 50 events a page, no time range; ${sizes.lookups} look-ups of each attribute with values of events taken evenly from the history, so frequent values come often; the server has just started. DuckDB: a native table with a column per attribute in this process, newest 50 of account, region and value, at most ${COMPARED_MAX} of each.`,
  rounds: () => ({ counted: 1, warmUp: false }),
  missing: () => importMissing() ?? syntheticMissing(),
  prepare,
  targets: ({ sizes }) => [
    target('small', sizes.lookupEvents, 20),
    target('large', sizes.lookupEventsLarge, 50),
  ],
  table: (rounds) => ({
    columns: ['p50 / p99 ms', ...SIZES.flatMap((size) => [`Clew, ${size}`, `DuckDB, ${size}`])],
    rows: ATTRIBUTES.map((name) => [
      name,
      ...SIZES.flatMap((size) =>
        (['measured', 'compared'] as const).map((side) =>
          ['P50', 'P99']
            .map((q) =>
              medianOf(rounds, (round) => figure(round[side], `${size}${name}${q}`)).toFixed(1),
            )
            .join(' / '),
        ),
      ),
    ]),
  }),
}
