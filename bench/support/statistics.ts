/** Medians and quantiles of measured figures. */
import type { Round } from '../scenario.ts'

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** Over the rounds, of what `figure` takes out of each. */
export const medianOf = (rounds: readonly Round[], figure: (round: Round) => number): number =>
  median(rounds.map(figure))

/** `sorted` in ascending order; `q` from 0 to 1. */
export const quantile = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

export const quantileOf = (values: readonly number[], q: number): number =>
  quantile(Float64Array.from(values).sort(), q)

/** A figure that the scenario did not measure is a mistake in the scenario. */
export const figure = (sample: Readonly<Record<string, number>>, name: string): number => {
  const value = sample[name]
  if (value === undefined) throw new Error(`no figure ${name} was measured`)
  return value
}

/** 1234567 → `1,234,567`. */
export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US')
