import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pooledRandomBytes } from './random.ts'

describe('pooledRandomBytes', () => {
  it('gives no byte twice, over many pools, and leaves alone what it gave', () => {
    const given = Array.from({ length: 5_000 }, (_, index) => pooledRandomBytes(12 + (index % 21)))
    const texts = given.map((bytes) => bytes.toString('hex'))
    assert.equal(new Set(texts.map((text) => text.slice(0, 24))).size, given.length)
    assert.deepEqual(
      given.map((bytes) => bytes.length),
      Array.from({ length: 5_000 }, (_, index) => 12 + (index % 21)),
    )
    assert.ok(given.every((bytes) => bytes.some((byte) => byte !== 0)))
  })

  it('refuses to give fewer than were asked for', () => {
    assert.throws(() => pooledRandomBytes(4 * 1024 + 1), RangeError)
  })
})
