import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checksumOf } from '../../../outlets/file-system/content/digests.ts'
import { combineCyclic, composite, multipartEtag } from './combine.ts'

describe('checksums of parts', () => {
  it('has the check values of the CRC catalogue', async () => {
    const digits = Buffer.from('123456789')
    const hex = async (algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME') =>
      Buffer.from(await checksumOf(algorithm, digits), 'base64').toString('hex')
    assert.equal(await hex('CRC32'), 'cbf43926')
    assert.equal(await hex('CRC32C'), 'e3069283')
    assert.equal(await hex('CRC64NVME'), 'ae8b14860a799888')
  })

  it('combines cyclic checksums into that of the whole', async () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 })
    for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
      await fc.assert(
        fc.asyncProperty(parts, async (pieces) => {
          const own = await Promise.all(
            pieces.map(async (piece) => ({
              size: piece.length,
              value: await checksumOf(algorithm, piece),
            })),
          )
          const whole = await checksumOf(algorithm, Buffer.concat(pieces))
          assert.equal(combineCyclic(algorithm, own), whole)
        }),
        { numRuns: 50 },
      )
    }
  })

  it('makes composite checksums and ETags of the parts’ own', async () => {
    const pieces = [Buffer.from('one'), Buffer.from('two')]
    for (const algorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      const values = await Promise.all(pieces.map((piece) => checksumOf(algorithm, piece)))
      const joined = Buffer.concat(values.map((value) => Buffer.from(value, 'base64')))
      assert.equal(composite(algorithm, values), `${await checksumOf(algorithm, joined)}-2`)
    }
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest()
    const etags = pieces.map((piece) => `"${md5(piece).toString('hex')}"`)
    const expected = md5(Buffer.concat(pieces.map(md5))).toString('hex')
    assert.equal(multipartEtag(etags), `"${expected}-2"`)
  })
})
