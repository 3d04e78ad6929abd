/** Runs a scenario: interleaved rounds between calibrations, then the judgement of its targets. */
import { calibrate, NOISY_BELOW } from './report/calibration.ts'
import type { Machine } from './report/machine.ts'
import type { Section } from './report/results.ts'
import type { Context, Prepared, Round, Scenario } from './scenario.ts'

/** Clew and what it is compared with take turns in being first. */
const runRound = async (prepared: Prepared, round: number): Promise<Round> => {
  const compare = async () => (await prepared.compare?.(round)) ?? {}
  if (round % 2 === 0) {
    const measured = await prepared.measure(round)
    return { measured, compared: await compare() }
  }
  const compared = await compare()
  return { compared, measured: await prepared.measure(round) }
}

const runRounds = async (
  scenario: Scenario,
  prepared: Prepared,
  context: Context,
): Promise<{ rounds: Round[]; calibrations: number[] }> => {
  const { counted, warmUp } = scenario.rounds(context.sizes)
  const rounds: Round[] = []
  const calibrations = [await calibrate()]
  for (let round = warmUp ? 0 : 1; round <= counted; round++) {
    const result = await runRound(prepared, round)
    if (round > 0) rounds.push(result)
    calibrations.push(await calibrate())
    context.log(round === 0 ? 'warmed up' : `round ${round} of ${counted}`)
  }
  return { rounds, calibrations }
}

export const runScenario = async (
  scenario: Scenario,
  context: Context,
  machine: Machine,
  command: string,
): Promise<Section> => {
  context.log(`preparing: ${scenario.title}`)
  const prepared = await scenario.prepare(context)
  try {
    const { rounds, calibrations } = await runRounds(scenario, prepared, context)
    const best = Math.max(...calibrations)
    const worst = Math.min(...calibrations)
    if (worst < NOISY_BELOW * best) {
      context.log(`WARNING: the machine is noisy (${(worst / best).toFixed(2)} of its best speed)`)
    }
    const table = scenario.table?.(rounds)
    return {
      title: scenario.title,
      method: scenario.method(context),
      command,
      measuredAt: new Date().toISOString(),
      machine,
      rounds: rounds.length,
      calibration: { best: Number(best.toFixed(1)), worst: Number(worst.toFixed(1)) },
      rows: scenario
        .targets(context)
        .map(({ judge, ...target }) => ({ ...target, ...judge(rounds) })),
      ...(table === undefined ? {} : { table }),
    }
  } finally {
    await prepared.close()
  }
}
