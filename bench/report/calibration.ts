/**
 * How fast the machine is right now: every core runs the same fixed loop. Other work on the host
 * takes from it; what is measured between a fast and a slow calibration is not to be trusted.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** A dependent chain of integer multiplications: nothing to cache, nothing to reorder. */
const LOOP = `
const { parentPort } = require('node:worker_threads')
const spin = (times) => { let x = 1; for (let i = 0; i < times; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0; return x }
spin(2e6)
const at = performance.now()
const x = spin(1e8)
parentPort.postMessage({ ms: performance.now() - at, x })
`
const STEPS = 1e8

const spin = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(LOOP, { eval: true })
    worker.once('message', ({ ms }: { ms: number }) => {
      resolve(STEPS / ms / 1000)
      void worker.terminate()
    })
    worker.once('error', reject)
  })

/** Steps per microsecond of the slowest core while all of them run. */
export const calibrate = async (): Promise<number> =>
  Math.min(...(await Promise.all(Array.from({ length: availableParallelism() }, spin))))

/** Below this share of the best calibration ever seen a run is called noisy. */
export const NOISY_BELOW = 0.85
