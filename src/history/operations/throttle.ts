import type { Clock } from '../../platform/clock.ts'

export interface Throttle {
  /** Whether one more call of this key is within its rate; counts it when it is. */
  admits(key: string): boolean
}

/** Buckets beyond this are swept of those that are full again. */
const BUCKETS_MAX = 10_000

/** One bucket of a second's calls per key. A rate of 0 admits everything. */
export const createThrottle = (clock: Clock, ratePerSecond: number): Throttle => {
  if (ratePerSecond <= 0) return { admits: () => true }
  const capacity = Math.max(1, ratePerSecond)
  const buckets = new Map<string, { tokens: number; at: number }>()
  const level = (bucket: { tokens: number; at: number }, now: number): number =>
    Math.min(capacity, bucket.tokens + ((now - bucket.at) / 1000) * ratePerSecond)
  return {
    admits: (key) => {
      const now = clock.monotonic()
      const bucket = buckets.get(key)
      const tokens = bucket === undefined ? capacity : level(bucket, now)
      const admitted = tokens >= 1
      buckets.set(key, { tokens: admitted ? tokens - 1 : tokens, at: now })
      if (buckets.size > BUCKETS_MAX) {
        for (const [other, full] of buckets) {
          if (level(full, now) >= capacity) buckets.delete(other)
        }
      }
      return admitted
    },
  }
}
