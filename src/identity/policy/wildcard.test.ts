import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { arnGlobOf, glob, globOf } from './wildcard.ts'

/** Slow and obviously right: every way to split the text. */
const slowMatch = (pattern: readonly string[], text: readonly string[]): boolean => {
  const [head, ...rest] = pattern
  if (head === undefined) return text.length === 0
  if (head === '*') {
    return text.some((_, index) => slowMatch(rest, text.slice(index))) || slowMatch(rest, [])
  }
  const [first, ...others] = text
  if (first === undefined) return false
  return (head === '?' || head === first) && slowMatch(rest, others)
}

const patterns = fc.array(fc.constantFrom('a', 'b', '😀', '*', '?'), { maxLength: 8 })
const texts = fc.array(fc.constantFrom('a', 'b', '😀', '*', '?'), { maxLength: 8 })

describe('wildcards', () => {
  it('match as the slow matcher does', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const expected = slowMatch(pattern, text)
        assert.equal(glob(pattern.join('')).matches(text.join('')), expected)
      }),
      { numRuns: 2_000 },
    )
  })

  it('match a literal part only as it is', () => {
    fc.assert(
      fc.property(texts, texts, texts, (before, value, after) => {
        const parts = [
          { text: before.join('').replace(/[*?]/g, ''), literal: false },
          { text: value.join(''), literal: true },
          { text: after.join('').replace(/[*?]/g, ''), literal: false },
        ]
        const whole = parts.map(({ text }) => text).join('')
        assert.ok(globOf(parts).matches(whole))
        assert.ok(!globOf(parts).matches(`${whole}x`))
      }),
    )
  })

  it('do not blow up', () => {
    // An exponential matcher needs longer than the universe has for this; ours compares 20 million
    // times at most.
    const pattern = glob(`${'*a'.repeat(1_000)}b`)
    assert.equal(pattern.matches('a'.repeat(20_000)), false)
  })
})

describe('ARN wildcards', () => {
  const matches = (pattern: string, text: string): boolean =>
    arnGlobOf([{ text: pattern, literal: false }]).matches(text)

  it('stay in their field, except in the last', () => {
    assert.ok(matches('arn:*:s3:::a', 'arn:aws:s3:::a'))
    assert.ok(!matches('arn:*:::a', 'arn:aws:s3:::a'))
    assert.ok(matches('arn:aws:sns:*:*:*', 'arn:aws:sns:eu-west-1:1:topic:sub'))
    assert.ok(!matches('arn:aws:s3:::a', 'arn:aws:s3'))
    assert.ok(matches('arn:aws:s3:::a:b', 'arn:aws:s3:::a:b'))
  })
})
