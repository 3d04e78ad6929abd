/**
 * AWS's request rates (reference/control-plane.md §E.2): per account, region and operation. Off
 * where no rate is set.
 */
import type { OperationName } from '../contract/operation.ts'
import type { Clock } from '../platform/clock.ts'

export type RequestRates = { readonly [Name in OperationName]?: number }

/** Buckets that are kept; beyond it the ones that are full again go. */
const BUCKETS_MAX = 10_000

interface Bucket {
  tokens: number
  at: number
}

/** A token bucket that holds one second's worth. True: the call may go on. */
export const createRateLimit = (
  rates: RequestRates,
  clock: Pick<Clock, 'monotonic'>,
): ((name: OperationName, account: string, region: string) => boolean) => {
  const buckets = new Map<string, Bucket>()

  const dropFull = (now: number): void => {
    for (const [key, bucket] of buckets) {
      // A second is enough for any bucket to be full.
      if (now - bucket.at >= 1_000) buckets.delete(key)
    }
  }

  return (name, account, region) => {
    const rate = rates[name]
    if (rate === undefined) return true
    const now = clock.monotonic()
    if (buckets.size >= BUCKETS_MAX) dropFull(now)
    const key = `${name}/${account}/${region}`
    const { tokens, at } = buckets.get(key) ?? { tokens: rate, at: now }
    const filled = Math.min(rate, tokens + ((now - at) * rate) / 1_000)
    const allowed = filled >= 1
    buckets.set(key, { tokens: allowed ? filled - 1 : filled, at: now })
    return allowed
  }
}
