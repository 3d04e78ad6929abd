import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HANDLES_GROWTH_MAX, JUDGED_SECONDS_MIN, judgeSeries, slopeOf } from './series.ts'

const MIB = 2 ** 20

/** Samples of an hour, every 10 seconds. */
const hour = (value: (seconds: number) => Record<string, number>) =>
  Array.from({ length: 361 }, (_, index) => ({ seconds: index * 10, values: value(index * 10) }))

describe('series', () => {
  it('finds memory that leaks, not memory that breathes or warms up', () => {
    const samples = hour((seconds) => ({
      'front memory': 100 * MIB + seconds * 40_000,
      'writer memory': 100 * MIB + (seconds % 300) * 200_000,
      'supervisor memory': 50 * MIB + 300 * MIB * Math.min(1, seconds / 600),
    }))
    const { grew, series } = judgeSeries(samples)
    assert.deepEqual(grew, ['front memory'])
    assert.equal(Math.round(series[0]?.slopePerHour ?? 0), 144_000_000)
  })

  it('finds handles that leak, and lets the disk fill', () => {
    const samples = hour((seconds) => ({
      'front handles': 40 + Math.floor(seconds / 60),
      'writer handles': 40 + (seconds % HANDLES_GROWTH_MAX),
      'journal on disk': seconds * MIB,
    }))
    assert.deepEqual(judgeSeries(samples).grew, ['front handles'])
  })

  it('does not judge a run that is shorter than the warm-up', () => {
    const samples = hour((seconds) => ({ 'front memory': seconds * MIB }))
    const short = samples.filter(({ seconds }) => seconds < JUDGED_SECONDS_MIN)
    assert.deepEqual(judgeSeries(samples).grew, ['front memory'])
    assert.deepEqual(judgeSeries(short).grew, [])
  })

  it('gives the range of each tenth', () => {
    const { series } = judgeSeries(hour((seconds) => ({ 'front memory': seconds })))
    assert.deepEqual(series[0]?.tenths[0], { min: 0, median: 180, max: 350 })
    assert.equal(series[0]?.tenths.length, 10)
    assert.equal(slopeOf([{ seconds: 1, value: 5 }]), 0)
  })
})
