/** Runs a store's work once per fault in processes with the shim, and checks what each run left. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../src/platform/errors.ts'
import type { StoreCase } from './store-case.ts'
import type { Outcome, Run } from './store-child.ts'

const CHILD = join(import.meta.dirname, 'store-child.ts')
/** Handles of dead runs stay open in their process: a new one is begun after so many. */
const RUNS_PER_PROCESS = 80

export type Wanted = Omit<Run, 'folder'>

export interface Finished extends Outcome {
  readonly run: Wanted
  /** Its calls: `write /journal/head`. */
  readonly calls: readonly string[]
  /** What the check found wrong. */
  readonly wrong?: string
}

const runBatch = async (shim: string, name: string, runs: readonly Run[]): Promise<Outcome[]> => {
  const child = fork(CHILD, {
    // Handles of dead runs are closed by the garbage collector, with a warning each.
    execArgv: ['--no-maglev', '--no-warnings'],
    env: { ...process.env, LD_PRELOAD: shim, UV_USE_IO_URING: '0' },
  })
  const outcomes: Outcome[] = []
  child.on('message', (outcome) => outcomes.push(outcome as Outcome))
  child.send({ name, runs })
  const [code, signal] = await once(child, 'close')
  if (outcomes.length !== runs.length) {
    const run = JSON.stringify(runs[outcomes.length])
    throw new Error(`The process of ${name} ended with ${code ?? signal} at ${run}.`)
  }
  return outcomes
}

const judge = async (store: StoreCase, run: Run, outcome: Outcome): Promise<string | undefined> => {
  if (outcome.end === 'stuck') return 'the work hangs'
  try {
    await store.check(run.folder, outcome.told)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** `shim`: the library. The folders of sound runs are removed, those of others too unless `keep`. */
export const runFaults = async (
  shim: string,
  store: StoreCase,
  wanted: readonly Wanted[],
  keep = false,
): Promise<Finished[]> => {
  const base = mkdtempSync(join(tmpdir(), `clew-faults-${store.name}-`))
  const template = join(base, 'template')
  if (store.prepare !== undefined) await store.prepare(template)
  const finished: Finished[] = []
  let wrongs = 0
  for (let start = 0; start < wanted.length; start += RUNS_PER_PROCESS) {
    const inside = join(base, String(start))
    const runs = wanted.slice(start, start + RUNS_PER_PROCESS).map((run, index): Run => {
      const folder = join(inside, `run-${start + index}`)
      mkdirSync(folder, { recursive: true })
      if (existsSync(template)) cpSync(template, folder, { recursive: true })
      return { ...run, folder }
    })
    const outcomes = await runBatch(shim, store.name, runs)
    for (const [index, outcome] of outcomes.entries()) {
      const run = runs[index] as Run
      const calls = readFileSync(`${run.folder}.trace`, 'utf8').trim().split('\n')
      const wrong = await judge(store, run, outcome)
      if (wrong !== undefined) wrongs++
      const { folder: _, ...rest } = run
      finished.push({ ...outcome, run: rest, calls, ...(wrong === undefined ? {} : { wrong }) })
      if (wrong === undefined || !keep) rmSync(run.folder, { recursive: true, force: true })
    }
    if (wrongs === 0 || !keep) {
      rmSync(inside, { recursive: true, force: true })
      rmSync(`${inside}.lost`, { recursive: true, force: true })
    }
  }
  if (wrongs === 0 || !keep) rmSync(base, { recursive: true, force: true })
  else process.stderr.write(`Kept ${base}\n`)
  return finished
}
