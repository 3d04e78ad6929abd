/** Calls a second at concurrency 16, and whose CPU they take. */
import type { Context, Prepared, Sample, Scenario, Target } from '../scenario.ts'
import { load } from '../support/client/load.ts'
import { type MeasuredPair, startWithUpstream } from '../support/servers/clew.ts'
import { cpuMicrosOf } from '../support/servers/processes.ts'
import { figure, grouped, medianOf, quantile } from '../support/statistics.ts'

const KINDS = ['reads', 'writes'] as const
type Kind = (typeof KINDS)[number]

const together = async (
  pair: MeasuredPair,
  port: number,
  request: Buffer,
  name: string,
  { requestsTogether, concurrency }: Context['sizes'],
): Promise<Sample> => {
  const { front, writer, supervisor } = pair.clew.processes
  const watched = { front, writer, supervisor, upstream: pair.upstream.pid }
  const before = Object.entries(watched).map(
    ([role, pid]) => [role, pid, cpuMicrosOf(pid)] as const,
  )
  const result = await load(port, request, concurrency, requestsTogether)
  if (result.failures > 0) throw new Error(`${result.failures} ${name} failed`)
  // The writer is a little behind: what it still has to do belongs to these calls.
  await pair.clew.flush()
  const cpu = before.map(([role, pid, at]) => [
    `${name}Cpu_${role}`,
    (cpuMicrosOf(pid) - at) / requestsTogether,
  ])
  return {
    [`${name}PerSecond`]: requestsTogether / result.seconds,
    [`${name}P99`]: quantile(result.latencies, 0.99),
    [`${name}Cpu_client`]: result.cpuMicros,
    ...Object.fromEntries(cpu),
  }
}

const prepare = async ({ sizes }: Context): Promise<Prepared> => {
  const pair = await startWithUpstream()
  return {
    measure: async () => {
      const { read, write } = await pair.requests()
      const { port } = pair.clew
      return {
        ...(await together(pair, port, read, 'reads', sizes)),
        ...(await together(pair, port, write, 'writes', sizes)),
      }
    },
    compare: async () => {
      const { read } = await pair.requests()
      return together(pair, pair.upstream.port, read, 'direct', sizes)
    },
    close: () => pair.close(),
  }
}

const target = (kind: Kind, measure: string, perSecond: number): Target => ({
  measure: `${measure} a second, concurrency 16, history and one trail running`,
  reach: `≥ ${grouped(perSecond)}/s`,
  comparedWith: 'the upstream called directly',
  judge: (rounds) => {
    const rate = medianOf(rounds, ({ measured }) => figure(measured, `${kind}PerSecond`))
    const share = medianOf(
      rounds,
      ({ measured, compared }) =>
        figure(measured, `${kind}PerSecond`) / figure(compared, 'directPerSecond'),
    )
    return {
      result: `${grouped(rate)}/s (${share.toFixed(3)} of direct)`,
      met: rate >= perSecond,
    }
  },
})

const CPU_COLUMNS = ['front', 'writer', 'supervisor', 'upstream', 'client'] as const

export const throughput: Scenario = {
  name: 'throughput',
  title: 'Calls per second',
  method: ({ sizes }) =>
    `As "Added latency", ${grouped(sizes.requestsTogether)} requests a round on ${sizes.concurrency} connections, each sending its next request when it has its answer. The load generator and the upstream share the cores with Clew's processes, so the table names everyone's CPU per call (for the writer with the flush after the round).`,
  rounds: ({ rounds }) => ({ counted: rounds, warmUp: true }),
  prepare,
  targets: () => [target('reads', 'reads', 2_500), target('writes', 'management writes', 2_000)],
  table: (rounds) => ({
    columns: ['', 'calls/s', 'p99 ms', ...CPU_COLUMNS.map((role) => `CPU µs/call: ${role}`)],
    rows: [
      ['direct', 'compared', 'direct'] as const,
      ['reads', 'measured', 'reads'] as const,
      ['management writes', 'measured', 'writes'] as const,
    ].map(([name, side, kind]) => {
      const of = (suffix: string): number =>
        medianOf(rounds, (round) => figure(round[side], `${kind}${suffix}`))
      return [
        name,
        grouped(of('PerSecond')),
        of('P99').toFixed(1),
        ...CPU_COLUMNS.map((role) => of(`Cpu_${role}`).toFixed(0)),
      ]
    }),
  }),
}
