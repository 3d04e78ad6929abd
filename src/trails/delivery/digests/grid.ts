/**
 * When digests end. AWS's tick in whole hours from the second of StartLogging, not on the hour
 * (reference/formats.md §4.6). All times in epoch milliseconds, results in whole seconds.
 */

export const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000

/** The first point of the grid behind `after`. */
export const gridAfter = (origin: number, intervalMs: number, after: number): number => {
  const base = wholeSeconds(origin)
  return base + (Math.floor((after - base) / intervalMs) + 1) * intervalMs
}

/** The last point of the grid that is not behind `at`. */
export const gridUntil = (origin: number, intervalMs: number, at: number): number =>
  gridAfter(origin, intervalMs, at) - intervalMs

/**
 * `digestEndTime` strictly increases by whole seconds per trail name and region, for ever: two
 * digests of one second would share a key, and a chain that points at itself makes the AWS CLI
 * loop (DESIGN.md §4).
 */
export const nextEnd = (wanted: number, highWater: number): number =>
  Math.max(wholeSeconds(wanted), wholeSeconds(highWater) + 1000)
