/** Resident memory of all processes under a steady load. */
import type { Context, Prepared, Sample, Scenario, Target } from '../scenario.ts'
import { startPacedLoad } from '../support/client/paced-load.ts'
import { type MeasuredPair, startWithUpstream } from '../support/servers/clew.ts'
import { openHandlesOf, residentBytesOf } from '../support/servers/processes.ts'
import { figure, grouped, medianOf } from '../support/statistics.ts'

const MIB = 1024 * 1024
const SAMPLES = 60
const CONNECTIONS = 32
/** Requests are signed anew this often: signatures are good for a quarter of an hour. */
const SIGN_EVERY_MS = 60_000
const SUM_MIB_MAX = 600
/** Growth from the second quarter of the run to the last that still counts as flat. */
const GROWTH_MAX = 1.05
const ROLES = ['supervisor', 'front', 'writer'] as const

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const sampleMemory = async (
  pair: MeasuredPair,
  seconds: number,
  log: Context['log'],
): Promise<Sample> => {
  const { processes } = pair.clew
  const sums: number[] = []
  const peaks: Record<string, number> = {}
  for (let at = 1; at <= SAMPLES; at++) {
    await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / SAMPLES))
    let sum = 0
    for (const role of ROLES) {
      const mib = residentBytesOf(processes[role]) / MIB
      sum += mib
      peaks[role] = Math.max(peaks[role] ?? 0, mib)
    }
    sums.push(sum)
    if (at % 10 === 0) log(`${at} of ${SAMPLES} samples: ${sum.toFixed(0)} MiB`)
  }
  const quarter = SAMPLES / 4
  return {
    ...peaks,
    sumPeak: Math.max(...sums),
    early: mean(sums.slice(quarter, 2 * quarter)),
    late: mean(sums.slice(3 * quarter)),
    handles: ROLES.reduce((sum, role) => sum + openHandlesOf(processes[role]), 0),
  }
}

const prepare = async ({ sizes, log }: Context): Promise<Prepared> => {
  const pair = await startWithUpstream()
  let requests = await pair.requests()
  return {
    measure: async () => {
      const signing = setInterval(() => {
        void pair.requests().then((made) => {
          requests = made
        })
      }, SIGN_EVERY_MS)
      const load = await startPacedLoad({
        port: pair.clew.port,
        callsPerSecond: sizes.callRate,
        connections: CONNECTIONS,
        request: (call) => (call % 2 === 0 ? requests.read : requests.write),
      })
      try {
        const sample = await sampleMemory(pair, sizes.memorySeconds, log)
        return { ...sample, perSecond: load.answered() / sizes.memorySeconds }
      } finally {
        clearInterval(signing)
        await load.stop()
      }
    },
    close: () => pair.close(),
  }
}

const target = ({ sizes }: Context): Target => ({
  measure: `memory over ${sizes.memorySeconds} s at ${grouped(sizes.callRate)} calls/s, sum of processes`,
  reach: `flat, ≤ ${SUM_MIB_MAX} MiB`,
  comparedWith: 'the second quarter of the run with the last',
  judge: (rounds) => {
    const growth = medianOf(rounds, ({ measured: m }) => figure(m, 'late') / figure(m, 'early'))
    const sum = medianOf(rounds, ({ measured }) => figure(measured, 'sumPeak'))
    const rate = medianOf(rounds, ({ measured }) => figure(measured, 'perSecond'))
    const isLoaded = rate >= 0.98 * sizes.callRate
    const short = isLoaded ? '' : ', the rate was not reached'
    return {
      result: `at most ${sum.toFixed(0)} MiB, × ${growth.toFixed(3)}, at ${grouped(rate)} calls/s${short}`,
      met: isLoaded && sum <= SUM_MIB_MAX && growth <= GROWTH_MAX,
    }
  },
})

export const memory: Scenario = {
  name: 'memory',
  title: 'Memory',
  method: () =>
    'Half reads, half management writes on 32 connections, at fixed times whether or not earlier ones are answered. Resident memory of each process is read sixty times; pages that processes share are counted in each.',
  rounds: () => ({ counted: 1, warmUp: false }),
  prepare,
  targets: (context) => [target(context)],
  table: (rounds) => ({
    columns: ['', 'peak MiB'],
    rows: [...ROLES, 'sumPeak'].map((name) => [
      name === 'sumPeak' ? 'sum' : name,
      medianOf(rounds, ({ measured }) => figure(measured, name)).toFixed(0),
    ]),
  }),
}
