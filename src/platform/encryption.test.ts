import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  EncryptionError,
  masterKeyOf,
  SEAL_OVERHEAD_BYTES,
  WRAPPED_KEY_BYTES,
} from './encryption.ts'

const master = masterKeyOf(Buffer.alloc(32, 7))
const isWrongKey = (error: unknown) =>
  error instanceof EncryptionError && error.code === 'wrong-key'

describe('encryption at rest', () => {
  it('opens what it sealed, with the size that the constants tell', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 20 }),
        (plain, aad) => {
          const { wrapped, cipher } = master.newDataKey()
          assert.equal(wrapped.length, WRAPPED_KEY_BYTES)
          const sealed = cipher.seal(plain, aad)
          assert.equal(sealed.length, plain.length + SEAL_OVERHEAD_BYTES)
          assert.deepEqual(master.dataKey(wrapped).open(sealed, aad), Buffer.from(plain))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuses every altered byte, other additional data and another master key', () => {
    const { wrapped, cipher } = master.newDataKey()
    const sealed = cipher.seal(Buffer.from('text'), Buffer.from('place'))
    for (let index = 0; index < sealed.length; index++) {
      const altered = Buffer.from(sealed)
      altered[index] = (altered[index] ?? 0) ^ 1
      assert.throws(() => cipher.open(altered, Buffer.from('place')), isWrongKey)
    }
    assert.throws(() => cipher.open(sealed, Buffer.from('other')), isWrongKey)
    assert.throws(() => masterKeyOf(randomBytes(32)).dataKey(wrapped), isWrongKey)
    assert.throws(() => cipher.open(Buffer.alloc(3)), isWrongKey)
  })

  it('seals texts per purpose and hashes with a key', () => {
    const sealed = master.sealText('secret', 'credential')
    assert.equal(master.openText(sealed, 'credential').toString(), 'secret')
    assert.throws(() => master.openText(sealed, 'other'), isWrongKey)
    assert.ok(!sealed.includes(Buffer.from('secret').toString('base64')))
    const hash = master.keyedHash('index')
    assert.deepEqual(hash('a'), hash('a'))
    assert.notDeepEqual(hash('a'), master.keyedHash('other')('a'))
    assert.notDeepEqual(hash('a'), masterKeyOf(randomBytes(32)).keyedHash('index')('a'))
  })

  it('takes keys of 32 bytes only', () => {
    assert.throws(() => masterKeyOf(Buffer.alloc(16)), EncryptionError)
  })
})
