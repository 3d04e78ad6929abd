/** Synthetic events by the generator among the shared data, which is no part of the project. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isoSeconds } from '../../../src/platform/clock.ts'
import { timeCommand } from '../servers/timed-command.ts'

const BESIDE = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'synth.py')
const DAY_MS = 86_400_000
/** Of the event history. An hour less, so that nothing expires while it is measured. */
export const HISTORY_MS = 90 * DAY_MS - 3_600_000

const generator = (): string => resolve(process.env.CLEW_BENCH_SYNTH ?? BESIDE)

/** Why there are no synthetic events here, or undefined. */
export const syntheticMissing = (): string | undefined =>
  existsSync(generator())
    ? undefined
    : `there is no generator of synthetic events at ${generator()} (CLEW_BENCH_SYNTH names another)`

export interface SyntheticOptions {
  readonly events: number
  readonly seed: number
  /** Epoch milliseconds. */
  readonly start: number
  readonly end: number
  readonly accounts: number
  /** A folder of this many gzip files instead of one plain file. */
  readonly gzipFiles?: number
}

/** Writes NDJSON to `out`; rejects with what the generator says. */
export const makeEvents = async (out: string, options: SyntheticOptions): Promise<void> => {
  const { events, seed, start, end, accounts, gzipFiles } = options
  await timeCommand(
    'python3',
    [
      generator(),
      ...['-n', String(events), '-o', out, '--seed', String(seed), '--procs', '2', '--quiet'],
      ...['--start', isoSeconds(start), '--end', isoSeconds(end), '--accounts', String(accounts)],
      ...(gzipFiles === undefined ? [] : ['--gzip', '--split', String(gzipFiles)]),
    ],
    process.env,
  )
}
