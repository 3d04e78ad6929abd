/** A store under faults: what is done with it in the failing process, and what must hold afterwards. */
import { setImmediate as turn } from 'node:timers/promises'
import { type Clock, systemClock } from '../../../src/platform/clock.ts'
import { masterKeyOf } from '../../../src/platform/encryption.ts'

export interface StoreCase {
  readonly name: string
  /** Makes what is there before the first fault; absent: the store begins with an empty folder. */
  prepare?(folder: string): Promise<void>
  /**
   * Uses the store through its public interface. `tell` takes a fact once it was acknowledged, and
   * what was tried and has no known outcome. Rejects where the store gives up; never waits long.
   */
  work(folder: string, tell: (fact: string) => void): Promise<void>
  /** In a sound process: opens the folder anew and asserts that it holds what was told. */
  check(folder: string, told: readonly string[]): Promise<void>
}

export const TEST_MASTER = masterKeyOf(Buffer.alloc(32, 9))

/** Wall clock of the real machine; a pause is one turn of the event loop. */
export const impatientClock: Clock = {
  ...systemClock,
  sleep: async () => {
    await turn()
  },
}

/** What an operation of a faulty store threw is its answer; the next operation goes on. */
export const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work()
    return true
  } catch {
    return false // the injected fault, as the store tells it
  }
}
