import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HistoryError } from '../history-error.ts'
import {
  decodePostings,
  encodePostings,
  ordinalsIn,
  PAGE_BYTES_MAX,
  PostingBuffer,
} from './posting-page.ts'

const KEY_MAX = 2 ** 48 - 1
const keyArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 65_535, 65_536, 2 ** 47, KEY_MAX) },
  fc.maxSafeNat().map((n) => n % KEY_MAX),
)

describe('pages of postings', () => {
  it('hold every posting once, by key and ordinal, and find it', () => {
    const posting = fc.tuple(keyArbitrary, fc.nat(65_535))
    fc.assert(
      fc.property(fc.array(posting, { maxLength: 6_000, size: 'max' }), (postings) => {
        const buffer = new PostingBuffer()
        const model = new Map<number, Set<number>>()
        for (const [key, ordinal] of postings) {
          buffer.add(key, ordinal)
          model.set(key, (model.get(key) ?? new Set()).add(ordinal))
        }
        const { pages, fences, postings: count } = encodePostings(buffer.sorted())
        for (const page of pages) assert.ok(page.length <= PAGE_BYTES_MAX)
        const decoded = pages.map(decodePostings)
        decoded.forEach(({ highs, lows }, at) => {
          assert.equal((highs[0] ?? 0) * 65_536 + (lows[0] ?? 0), fences[at])
        })
        let all = 0
        for (const [key, ordinals] of model) {
          const found = decoded.flatMap((page) => [...ordinalsIn(page, key)])
          assert.deepEqual(
            found,
            [...ordinals].sort((a, b) => a - b),
          )
          all += found.length
        }
        assert.equal(all, count)
      }),
      { numRuns: 40 },
    )
  })

  it('refuse bytes that are none, and never read outside of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(40), (bytes, keys) => {
        if (bytes.length >= 4) new DataView(bytes.buffer).setUint32(0, keys, true)
        try {
          const page = decodePostings(bytes)
          ordinalsIn(page, 1)
        } catch (error) {
          assert.ok(error instanceof HistoryError && error.code === 'damaged-index')
        }
      }),
    )
  })
})
