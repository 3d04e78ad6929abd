import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { gridAfter, gridUntil, nextEnd } from './grid.ts'

describe('the grid of digest times', () => {
  it('has whole seconds at the offset of its origin', () => {
    const origin = Date.UTC(2026, 2, 2, 8, 29, 23, 456)
    const next = gridAfter(origin, 3_600_000, origin + 100)
    assert.equal(new Date(next).toISOString(), '2026-03-02T09:29:23.000Z')
    assert.equal(gridAfter(origin, 3_600_000, next), next + 3_600_000)
    assert.equal(gridUntil(origin, 3_600_000, next), next)
  })

  it('always goes on, also before its origin', () => {
    const time = fc.integer({ min: 0, max: 4e12 })
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 100_000 }), time, (origin, seconds, after) => {
        const interval = seconds * 1000
        const next = gridAfter(origin, interval, after)
        assert.ok(next > after && next - after <= interval)
        assert.ok(Math.abs(next % 1000) === 0)
        assert.ok(gridUntil(origin, interval, after) <= after)
      }),
    )
  })

  it('is left where it would not be later than the last digest', () => {
    assert.equal(nextEnd(5999, 2000), 5000)
    assert.equal(nextEnd(5999, 5000), 6000)
    assert.equal(nextEnd(1000, 9000), 10_000)
  })
})
