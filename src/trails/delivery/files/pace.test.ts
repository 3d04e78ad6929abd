import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from '../testing/hand-clock.ts'
import { FAST_LEVEL, HURRY_BYTES_PER_SECOND, Pace } from './pace.ts'

const captured = (): boolean => false
const SECOND = 1000

describe('Pace', () => {
  it('compresses well while little comes, fast while much does, and well again', () => {
    const clock = new HandClock(0)
    const pace = new Pace(clock, 6)
    const { level } = pace.compressing(1, captured)
    pace.took(HURRY_BYTES_PER_SECOND)
    assert.equal(level(0), 6)
    pace.took(1)
    assert.equal(level(1), FAST_LEVEL, 'at once, not after the second')
    clock.advance(SECOND)
    pace.turn()
    assert.equal(level(2), FAST_LEVEL, 'the second before counts')
    clock.advance(SECOND)
    pace.turn()
    assert.equal(level(3), 6)
    pace.took(2 * HURRY_BYTES_PER_SECOND)
    clock.advance(60 * SECOND)
    pace.turn()
    assert.equal(level(4), 6, 'a burst before a pause does not count')
  })

  it('compresses imports fast, and never better than is asked for', () => {
    const clock = new HandClock(0)
    let imported = true
    const six = new Pace(clock, 6).compressing(1, () => imported)
    assert.equal(six.level(0), FAST_LEVEL)
    imported = false
    assert.equal(six.level(1), 6)
    assert.equal(new Pace(clock, 1).compressing(1, () => true).level(0), 1)
  })

  it('takes smaller chunks where many files are open', () => {
    const pace = new Pace(new HandClock(0), 6)
    assert.ok(pace.compressing(300, captured).chunkBytes < pace.compressing(2, captured).chunkBytes)
  })
})
