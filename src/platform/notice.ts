import type { Clock } from './clock.ts'

/**
 * Tells of something that clients can cause thousands of times a second: the first time at once, then
 * at most every `everyMs`, with how often it happened since, by reason. A client must not fill the log.
 */
export const createNotice = <Facts>(
  clock: Pick<Clock, 'monotonic'>,
  everyMs: number,
  tell: (counts: Readonly<Record<string, number>>, latest: Facts) => void,
): ((reason: string, facts: Facts) => void) => {
  let nextAt = Number.NEGATIVE_INFINITY
  let counts: Record<string, number> = {}
  return (reason, facts) => {
    counts[reason] = (counts[reason] ?? 0) + 1
    const now = clock.monotonic()
    if (now < nextAt) return
    nextAt = now + everyMs
    tell(counts, facts)
    counts = {}
  }
}
