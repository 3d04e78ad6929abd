/**
 * A fault at the file-system calls of every store on the real file system: each run fails one call
 * (or two) in a process of its own kind, then a sound process opens what is left and checks it.
 * `CLEW_TEST_FAULTS=all` takes every fault at every call (`npm run soak -- faults` does), a number
 * so many per store.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { compileShim } from './shim/compile-shim.ts'
import { STORE_NAMES, storeCase } from './stores/cases.ts'
import { columnOf, faultRuns, SOUND_RUN } from './stores/fault-plans.ts'
import { type Finished, runFaults, type Wanted } from './stores/run-faults.ts'

const RUNS_PER_STORE = 20
/** Their folders have hundreds of entries, which takes time to make and to remove. */
const RUNS_OF_LARGE: Readonly<Record<string, number>> = { 'new-objects': 6, delivery: 10 }
const wish = process.env.CLEW_TEST_FAULTS
const sampleOf = (name: string): number | 'all' =>
  wish === 'all' ? 'all' : Number(wish ?? RUNS_OF_LARGE[name] ?? RUNS_PER_STORE)
const keep = process.env.CLEW_TEST_KEEP !== undefined

const shim = compileShim('faults')
const skip = typeof shim === 'string' ? shim : false
const library = typeof shim === 'string' ? '' : shim.path

interface Known {
  readonly store: string
  readonly what: string
  readonly call: RegExp
  readonly kind: string
}

/** Faults that once lost or leaked something: these are never left to the sample. */
const MENDED: readonly Known[] = [
  {
    store: 'documents',
    what: 'an error of the folder’s fsync',
    call: /^sync \/state$/,
    kind: 'error',
  },
  {
    store: 'documents',
    what: 'a folder that cannot be opened',
    call: /^open \/state$/,
    kind: 'error',
  },
  { store: 'objects', what: 'a commit that fails late', call: /^sync .*-wal$/, kind: 'late-error' },
  { store: 'objects', what: 'a commit without room', call: /^write .*-wal$/, kind: 'no-room' },
  {
    store: 'delivery',
    what: 'a parked file whose folder cannot be synced',
    call: /^sync \/delivery\/pending$/,
    kind: 'error',
  },
]
const MENDED_RUNS_MAX = 3

const describeWrong = (finished: readonly Finished[]): string[] =>
  finished.flatMap(({ run, calls, wrong }) => {
    const call = calls[Number.parseInt(run.plan, 10)]
    const what = `${run.plan} (${call}), ${run.after}, seed ${run.seed}`
    return wrong === undefined ? [] : [`${what}: ${wrong}`]
  })

describe('faults of the file system', { skip, concurrency: 1 }, () => {
  after(() => {
    if (typeof shim !== 'string') shim[Symbol.dispose]()
  })
  for (const { store: name, what, call, kind } of MENDED) {
    it(`stay mended: ${name}, ${what}`, async () => {
      const store = await storeCase(name)
      const [sound] = await runFaults(library, store, [SOUND_RUN])
      const places = (sound?.calls ?? []).flatMap((each, at) => (call.test(each) ? [at] : []))
      assert.ok(places.length > 0, `no call matches ${call}`)
      const runs = places.slice(0, MENDED_RUNS_MAX).flatMap((at): Wanted[] => {
        const run = { ...SOUND_RUN, plan: `${at}:${kind}` }
        return [run, { ...run, after: 'power loss' }]
      })
      const wrong = describeWrong(await runFaults(library, store, runs, keep))
      assert.equal(wrong.length, 0, wrong.slice(0, 20).join('\n'))
    })
  }
  for (const name of STORE_NAMES) {
    it(`lose nothing acknowledged of: ${name}`, async (t) => {
      const store = await storeCase(name)
      const lying = { ...SOUND_RUN, lying: true, after: 'power loss' } as const
      const [sound, lied] = await runFaults(library, store, [SOUND_RUN, lying])
      assert.equal(sound?.end, 'done', sound?.reason)
      assert.equal(sound.wrong, undefined)
      assert.ok(lied?.wrong, 'a disk that only says that it synced must be found out')
      const runs = faultRuns(sound.calls, sampleOf(name))
      const finished = await runFaults(library, store, runs, keep)
      const counts = Map.groupBy(finished, ({ run }) => columnOf(run))
      const cells = [...counts].map(([column, all]) => `${column} ${all.length}`).sort()
      t.diagnostic(`${name}: ${sound.calls.length} calls, ${runs.length} runs: ${cells.join(', ')}`)
      const wrong = describeWrong(finished)
      assert.equal(wrong.length, 0, `${wrong.length} runs:\n${wrong.slice(0, 20).join('\n')}`)
    })
  }
})
