import assert from 'node:assert/strict'
import type { World } from './world.ts'

export interface Lives {
  /** Runs the process's work, and when it dies, again in a new process; then lets it come to rest. */
  readonly go: (work: () => Promise<boolean>) => Promise<void>
  readonly count: () => number
}

/** For a world whose first life may end once. */
export const livesOf = (world: World): Lives => {
  let lives = 1
  return {
    count: () => lives,
    go: async (work) => {
      for (const phase of ['work', 'what the work left in the background']) {
        while (!(await work())) {
          lives++
          assert.ok(lives <= 2, phase)
          await world.restart()
        }
        await world.rest()
      }
    },
  }
}
