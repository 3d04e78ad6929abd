/**
 * The failing process: preloaded with shim/faults.c, it does a store's work once per run, each in a
 * folder of its own, and tells the parent what was acknowledged.
 */
import { openSync } from 'node:fs'
import { systemCodeOf } from '../../../src/platform/errors.ts'
import { storeCase } from './cases.ts'

export interface Run {
  readonly folder: string
  /** `12:error,15:power`, see shim/faults.c. */
  readonly plan: string
  /** What happens to the machine when the work is over. */
  readonly after: 'restart' | 'power loss'
  /** 0: a power loss takes all that was not synced. */
  readonly seed: number
  /** The disk says that it synced and did not. */
  readonly lying: boolean
}

export interface Outcome {
  readonly told: readonly string[]
  readonly end: 'done' | 'died' | 'gave up' | 'stuck'
  readonly reason?: string
}

const STUCK_AFTER_MS = 8_000
const LOOK_EVERY_MS = 1

/** A command to the shim; true where it answers that the run is dead. */
const command = (text: string): boolean => {
  try {
    openSync(`/clew-fault/${text}`, 'r')
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return true
    if (systemCodeOf(error) === 'ENOENT') return false
  }
  throw new Error('The shim is not loaded.')
}

const runOnce = async (name: string, run: Run): Promise<Outcome> => {
  const store = await storeCase(name)
  const told: string[] = []
  let over = false
  command(`begin|${run.plan}|${run.seed}|${run.lying ? 1 : 0}|${run.folder}`)
  let look: NodeJS.Timeout | undefined
  const started = performance.now()
  const end = await Promise.race([
    store
      .work(run.folder, (fact) => {
        if (!over) told.push(fact)
      })
      .then(
        () => ({ end: 'done' as const }),
        (error: unknown) => ({ end: 'gave up' as const, reason: String(error) }),
      ),
    new Promise<{ end: 'died' | 'stuck' }>((resolve) => {
      look = setInterval(() => {
        if (command('status')) resolve({ end: 'died' })
        else if (performance.now() - started > STUCK_AFTER_MS) resolve({ end: 'stuck' })
      }, LOOK_EVERY_MS)
    }),
  ])
  clearInterval(look)
  over = true
  if (run.after === 'power loss') command('lose')
  const died = end.end === 'gave up' && command('status')
  command(`end|${run.folder}.trace`)
  return { told, ...end, ...(died ? { end: 'died' as const } : {}) }
}

// What a run leaves behind goes on failing after its death; nobody waits for it.
process.on('unhandledRejection', () => {})
process.on('uncaughtException', () => {})

const runAll = async (name: string, runs: readonly Run[]): Promise<void> => {
  for (const run of runs) {
    const outcome = await runOnce(name, run)
    process.send?.(outcome)
  }
}

process.on('message', ({ name, runs }: { name: string; runs: Run[] }) => {
  runAll(name, runs).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      process.exit(1)
    },
  )
})
