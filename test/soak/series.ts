/** Samples over time: their range per tenth of the time, their slope, and whether they grow. */

export interface Sample {
  /** Since the start. */
  readonly seconds: number
  /** By name: bytes, or a count where the name ends in `handles`. */
  readonly values: Readonly<Record<string, number>>
}

export interface Tenth {
  readonly min: number
  readonly median: number
  readonly max: number
}

export interface Judged {
  readonly name: string
  /** Undefined where there was no sample. */
  readonly tenths: readonly (Tenth | undefined)[]
  /** By least squares over what follows the warm-up; units per hour. */
  readonly slopePerHour: number
}

const TENTHS = 10
/** Caches fill and code is compiled in the first part of a run: it tells nothing about growth. */
const WARM_UP_SHARE = 0.3
/** Heaps, caches and the windows of log files (five minutes) fill meanwhile: a shorter run is only shown. */
export const JUDGED_SECONDS_MIN = 20 * 60
/**
 * Memory may be so much above its level after the warm-up, in the last tenth of the time: the heap
 * breathes by that much between two collections.
 */
export const MEMORY_GROWTH_BYTES_MAX = 64 * 1024 * 1024
/** And no more than this share of that level. */
export const MEMORY_GROWTH_SHARE_MAX = 0.25
/** Handles: days of the history, segments and content files come and go. */
export const HANDLES_GROWTH_MAX = 32

const medianOf = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0

const rangeOf = (values: readonly number[]): Tenth | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return undefined
  return { min: sorted[0] ?? 0, median: medianOf(sorted), max: sorted.at(-1) ?? 0 }
}

interface Point {
  readonly seconds: number
  readonly value: number
}

/** Least squares; units per second. */
export const slopeOf = (points: readonly Point[]): number => {
  const count = points.length
  const meanX = points.reduce((sum, { seconds }) => sum + seconds, 0) / count
  const meanY = points.reduce((sum, { value }) => sum + value, 0) / count
  let [above, below] = [0, 0]
  for (const { seconds, value } of points) {
    above += (seconds - meanX) * (value - meanY)
    below += (seconds - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}

const growthOf = (points: readonly Point[], end: number): { level: number; growth: number } => {
  const median = (from: number, to: number): number =>
    rangeOf(
      points
        .filter(({ seconds }) => seconds >= from * end && seconds <= to * end)
        .map(({ value }) => value),
    )?.median ?? 0
  const level = median(WARM_UP_SHARE, WARM_UP_SHARE + 1 / TENTHS)
  return { level, growth: median(1 - 1 / TENTHS, 1) - level }
}

const isGrowing = (name: string, points: readonly Point[], end: number): boolean => {
  if (end < JUDGED_SECONDS_MIN) return false
  const { level, growth } = growthOf(points, end)
  if (name.endsWith('handles')) return growth > HANDLES_GROWTH_MAX
  if (!name.endsWith('memory')) return false // what is on disk grows with the events
  return growth > Math.max(MEMORY_GROWTH_BYTES_MAX, level * MEMORY_GROWTH_SHARE_MAX)
}

export const judgeSeries = (samples: readonly Sample[]): { series: Judged[]; grew: string[] } => {
  const end = samples.at(-1)?.seconds ?? 0
  const names = [...new Set(samples.flatMap(({ values }) => Object.keys(values)))]
  const grew: string[] = []
  const series = names.map((name): Judged => {
    const points = samples.flatMap(({ seconds, values }): Point[] => {
      const value = values[name]
      return value === undefined ? [] : [{ seconds, value }]
    })
    if (isGrowing(name, points, end)) grew.push(name)
    const tenths = Array.from({ length: TENTHS }, (_, tenth) =>
      rangeOf(
        points
          .filter(
            ({ seconds }) => Math.min(TENTHS - 1, Math.floor((seconds / end) * TENTHS)) === tenth,
          )
          .map(({ value }) => value),
      ),
    )
    const warm = points.filter(({ seconds }) => seconds >= WARM_UP_SHARE * end)
    return { name, tenths, slopePerHour: slopeOf(warm) * 3600 }
  })
  return { series, grew }
}
