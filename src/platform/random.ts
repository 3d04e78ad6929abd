import { randomFillSync } from 'node:crypto'

/** Asking the system's generator costs several microseconds however few bytes are asked for. */
const POOL_BYTES = 4 * 1024

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes of the quality of `randomBytes`, for nonces and ids: a few at a time out of a pool
 * that is filled at once. No byte is given twice. Throws RangeError where more than POOL_BYTES are asked for.
 */
export const pooledRandomBytes = (count: number): Buffer => {
  if (count > POOL_BYTES) throw new RangeError(`${count} random bytes are more than the pool has.`)
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const given = Buffer.from(pool.subarray(used, used + count))
  // What was given out must not be found here later.
  pool.fill(0, used, used + count)
  used += count
  return given
}
