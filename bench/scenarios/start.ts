/** From starting the process until both ports take requests. */
import { removeFolder, startClew } from '../../test/conformance/clew-server.ts'
import type { Context, Prepared, Scenario } from '../scenario.ts'
import { historyFolder } from '../support/data/history-folder.ts'
import { syntheticMissing } from '../support/data/synthetic-events.ts'
import { importMissing } from '../support/servers/clew-command.ts'
import { cpuMicrosOf, rolesOf } from '../support/servers/processes.ts'
import { figure, grouped, medianOf } from '../support/statistics.ts'

const METHOD =
  'From starting the process until it says that it is ready: recovery is over and both servers take requests.'

/** `data`: an existing folder that stays; undefined: an empty one each time. */
const starting = (data: string | undefined): Prepared => ({
  measure: async () => {
    const at = performance.now()
    const server = await startClew(data === undefined ? {} : { data })
    const ms = performance.now() - at
    const cpuMs = Object.values(rolesOf(server.data)).reduce(
      (sum, pid) => sum + cpuMicrosOf(pid) / 1000,
      0,
    )
    await server.stop()
    if (data === undefined) removeFolder(server.data)
    return { ms, cpuMs }
  },
  close: async () => {},
})

const scenario = (
  parts: Pick<Scenario, 'name' | 'title' | 'prepare' | 'missing'> & {
    readonly place: (context: Context) => string
    readonly msMax: number
  },
): Scenario => {
  const { place, msMax, ...rest } = parts
  return {
    ...rest,
    method: () => METHOD,
    rounds: ({ rounds }) => ({ counted: rounds, warmUp: true }),
    targets: (context) => [
      {
        measure: `start on ${place(context)}`,
        reach: `≤ ${msMax / 1000} s`,
        comparedWith: '',
        judge: (rounds) => {
          const ms = medianOf(rounds, ({ measured }) => figure(measured, 'ms'))
          const all = rounds.map(({ measured }) => figure(measured, 'ms'))
          const range = `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}`
          const cpu = medianOf(rounds, ({ measured }) => figure(measured, 'cpuMs')).toFixed(0)
          const result = `${ms.toFixed(0)} ms (${range}; CPU of all processes ${cpu} ms)`
          return { result, met: ms <= msMax }
        },
      },
    ],
  }
}

export const start = scenario({
  name: 'start',
  title: 'Start on an empty folder',
  place: () => 'an empty folder',
  msMax: 1_000,
  prepare: async () => starting(undefined),
})

export const startLarge = scenario({
  name: 'start-large',
  title: 'Start on a large folder',
  place: ({ sizes }) => `a folder with ${grouped(sizes.lookupEventsLarge)} events`,
  msMax: 2_000,
  missing: () => importMissing() ?? syntheticMissing(),
  prepare: async (context) =>
    starting((await historyFolder(context, context.sizes.lookupEventsLarge)).data),
})
