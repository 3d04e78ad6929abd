import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { gatherBytes } from './gathered-bytes.ts'

const gathered = (parts: readonly Buffer[]): Buffer => {
  const bytes = gatherBytes()
  for (const part of parts) bytes.add(part)
  return bytes.whole()
}

describe('gathered bytes', () => {
  it('are the parts one after the other, whatever their sizes', () => {
    const part = fc
      .tuple(fc.constantFrom(0, 1, 7, 300, 4095, 4096, 70_000), fc.nat(255))
      .map(([length, value]) => Buffer.alloc(length, value))
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        assert.ok(gathered(parts).equals(Buffer.concat(parts)))
      }),
      { numRuns: 100 },
    )
  })

  it('keep their order over many slabs', () => {
    const parts = Array.from({ length: 200_000 }, (_, index) => Buffer.from([index % 251]))
    assert.ok(gathered(parts).equals(Buffer.concat(parts)))
  })

  it('of one part are that part', () => {
    const part = Buffer.from('{}')
    assert.equal(gathered([part]), part)
  })
})
