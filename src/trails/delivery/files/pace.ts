/**
 * Chooses how log files are compressed: as small as is asked for while there is time, fast where
 * much comes. gzip -6 is the largest single cost of a delivered event, and -3 takes half of it for a
 * sixth more bytes (reference/engines.md §2 and §9, docs/decisions/0028).
 */
import type { Clock } from '../../../platform/clock.ts'
import type { Compressing } from './log-file.ts'

const KIB = 1024
/** More text in a second counts as much: an import, a consumer that catches up, about 6,000 calls/s. */
export const HURRY_BYTES_PER_SECOND = 8 * KIB * KIB
export const FAST_LEVEL = 3
const SECOND_MS = 1000

const CHUNK_BYTES = 256 * KIB
/** With many files open at once the memory counts, and costs 3 % of the ratio. */
const CHUNK_BYTES_OF_MANY = 128 * KIB
const MANY_FILES = 64

export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #level: number
  #since: number
  /** Since then, and in the second before. */
  #bytes = 0
  #before = 0

  /** `level`: gzip level 1 to 9 while there is time. */
  constructor(clock: Pick<Clock, 'monotonic'>, level: number) {
    this.#clock = clock
    this.#level = level
    this.#since = clock.monotonic()
  }

  /** So many bytes of text were added to log files. */
  took(bytes: number): void {
    this.#bytes += bytes
  }

  /** Call it now and then: a batch at a time. */
  turn(): void {
    const now = this.#clock.monotonic()
    const elapsed = now - this.#since
    if (elapsed < SECOND_MS) return
    this.#before = elapsed < 2 * SECOND_MS ? this.#bytes : 0
    this.#bytes = 0
    this.#since = now
  }

  /** `imported`: is everything in the file so far imported? */
  compressing(openFiles: number, imported: () => boolean): Compressing {
    const fast = Math.min(FAST_LEVEL, this.#level)
    return {
      chunkBytes: openFiles < MANY_FILES ? CHUNK_BYTES : CHUNK_BYTES_OF_MANY,
      level: () => (imported() || this.#isHurried() ? fast : this.#level),
    }
  }

  #isHurried(): boolean {
    return Math.max(this.#bytes, this.#before) > HURRY_BYTES_PER_SECOND
  }
}
