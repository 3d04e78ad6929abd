/** Latency that Clew adds to a call at concurrency 1. */
import type { Context, Prepared, Round, Sample, Scenario, Target } from '../scenario.ts'
import { load } from '../support/client/load.ts'
import { startWithUpstream } from '../support/servers/clew.ts'
import { figure, medianOf, quantile } from '../support/statistics.ts'

const prepare = async ({ sizes }: Context): Promise<Prepared> => {
  const pair = await startWithUpstream()
  const alone = async (port: number, request: Buffer, name: string): Promise<Sample> => {
    const { latencies, failures } = await load(port, request, 1, sizes.requestsAlone)
    if (failures > 0) throw new Error(`${failures} ${name} failed`)
    return { [`${name}P50`]: quantile(latencies, 0.5), [`${name}P99`]: quantile(latencies, 0.99) }
  }
  return {
    measure: async () => {
      const { read, write } = await pair.requests()
      const { port } = pair.clew
      return { ...(await alone(port, read, 'reads')), ...(await alone(port, write, 'writes')) }
    },
    compare: async () => alone(pair.upstream.port, (await pair.requests()).read, 'direct'),
    close: () => pair.close(),
  }
}

const added =
  (kind: 'reads' | 'writes', quantile: 'P50' | 'P99') =>
  ({ measured, compared }: Round): number =>
    figure(measured, `${kind}${quantile}`) - figure(compared, `direct${quantile}`)

const target = (kind: 'reads' | 'writes', measure: string, p50: number, p99: number): Target => ({
  measure: `added latency of ${measure}, concurrency 1, p50 / p99`,
  reach: `≤ ${p50} / ${p99} ms`,
  comparedWith: 'the upstream called directly',
  judge: (rounds) => {
    const values = [medianOf(rounds, added(kind, 'P50')), medianOf(rounds, added(kind, 'P99'))]
    const [median = Number.NaN, tail = Number.NaN] = values
    return {
      result: `${median.toFixed(2)} / ${tail.toFixed(2)} ms`,
      met: median <= p50 && tail <= p99,
    }
  },
})

export const latency: Scenario = {
  name: 'latency',
  title: 'Added latency',
  method: ({ sizes }) =>
    `JSON protocol, an upstream that answers at once, event history and one trail with validation running. ${sizes.requestsAlone} requests a round, one after the other. Reads: DynamoDB ListTables. Management writes: SQS CreateQueue (intent and event: two commits).`,
  rounds: ({ rounds }) => ({ counted: rounds, warmUp: true }),
  prepare,
  targets: () => [target('reads', 'reads', 1, 6), target('writes', 'management writes', 1.5, 8)],
  table: (rounds) => ({
    columns: ['', 'p50 ms', 'p99 ms'],
    rows: [
      ['direct', 'compared', 'direct'] as const,
      ['reads', 'measured', 'reads'] as const,
      ['management writes', 'measured', 'writes'] as const,
    ].map(([name, side, kind]) => [
      name,
      ...['P50', 'P99'].map((q) =>
        medianOf(rounds, (round) => figure(round[side], `${kind}${q}`)).toFixed(2),
      ),
    ]),
  }),
}
