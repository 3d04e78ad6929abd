import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { newestFirst, type Run } from './newest-first.ts'

/** A run over numbers, and how often it was read. */
const runOf = (numbers: readonly number[], slack: number): Run & { reads: number } => {
  const sorted = [...numbers].sort((a, b) => b - a)
  return {
    reads: 0,
    bound: (sorted[0] ?? 0) + 1 + slack,
    fetch(limit) {
      this.reads++
      return sorted.splice(0, limit)
    },
  }
}

describe('newestFirst', () => {
  it('gives all numbers of all runs, largest first', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(100_000), { maxLength: 3000 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(5),
        (numbers, count, slack) => {
          const runs = Array.from({ length: count }, (_, at) =>
            runOf(
              numbers.filter((n) => n % count === at),
              slack,
            ),
          )
          const sorted = [...numbers].sort((a, b) => b - a)
          assert.deepEqual([...newestFirst(runs)], sorted)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('does not read a run before everything above its bound was given', () => {
    const high = runOf([90, 80, 70], 0)
    const low = runOf([30, 20], 0)
    const merged = newestFirst([low, high])
    assert.deepEqual([merged.next().value, merged.next().value, merged.next().value], [90, 80, 70])
    assert.equal(low.reads, 0)
    assert.equal(merged.next().value, 30)
    assert.equal(low.reads, 1)
  })
})
