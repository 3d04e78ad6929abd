/** Bodies in signed chunks, with and without trailers, signed by the SDK's own code. */
import assert from 'node:assert/strict'
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { deriveAsymmetricKey } from '../../../src/capture/signature/keys/asymmetric-key.ts'
import { PayloadError } from '../../../src/capture/signature/payload/payload-error.ts'
import {
  EMPTY_SHA256,
  type PayloadMode,
} from '../../../src/capture/signature/payload/payload-mode.ts'
import { decodeWhole } from '../../../src/capture/signature/payload/payload-streams.ts'
import { ACCESS_KEY, SECRET, Sha256 } from '../../../src/capture/signature/signing.test-support.ts'
import { holds } from '../runs.ts'
import { ecdsaOf } from './signers.ts'
import { CREDENTIALS, DATE, REGION } from './wire.ts'

const AMZ_DATE = '20260302T081407Z'

interface Variant {
  readonly algorithm: string
  readonly scopeText: string
  readonly key: KeyObject
  readonly sign: (text: string) => Promise<string>
  /** As the signature stands in a chunk's head. */
  readonly written: (signature: string) => string
}

const HMAC_SCOPE = `20260302/${REGION}/s3/aws4_request`
const VARIANTS: Readonly<Record<string, Variant>> = {
  SigV4: {
    algorithm: 'AWS4-HMAC-SHA256',
    scopeText: HMAC_SCOPE,
    key: HMAC_SCOPE.split('/').reduce(
      (parent, part) => createSecretKey(createHmac('sha256', parent).update(part).digest()),
      createSecretKey(Buffer.from(`AWS4${SECRET}`)),
    ),
    sign: (text) =>
      new SignatureV4({
        service: 's3',
        region: REGION,
        sha256: Sha256,
        credentials: CREDENTIALS,
      }).sign(text, { signingDate: DATE }),
    written: (signature) => signature,
  },
  SigV4A: {
    algorithm: 'AWS4-ECDSA-P256-SHA256',
    scopeText: '20260302/s3/aws4_request',
    key: deriveAsymmetricKey(ACCESS_KEY, createSecretKey(Buffer.from(SECRET))),
    sign: ecdsaOf,
    // AWS's own signers fill a chunk's signature up to its longest form.
    written: (signature) => signature.padEnd(144, '*'),
  },
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

const SEED = 'ab'.repeat(32)

const bodyOf = async (
  variant: Variant,
  chunks: readonly Buffer[],
  trailers: Readonly<Record<string, string>>,
): Promise<Buffer> => {
  const { algorithm, scopeText, sign, written } = variant
  const parts: Buffer[] = []
  let previous = SEED
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    previous = await sign(
      `${algorithm}-PAYLOAD\n${AMZ_DATE}\n${scopeText}\n${previous}\n${EMPTY_SHA256}\n${sha256(chunk)}`,
    )
    const size = chunk.length.toString(16)
    parts.push(Buffer.from(`${size};chunk-signature=${written(previous)}\r\n`), chunk)
    if (chunk.length > 0) parts.push(Buffer.from('\r\n'))
  }
  const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}`)
  if (lines.length > 0) {
    const canonical = lines.map((line) => `${line}\n`).join('')
    const signature = await sign(
      `${algorithm}-TRAILER\n${AMZ_DATE}\n${scopeText}\n${previous}\n${sha256(canonical)}`,
    )
    const signed = `x-amz-trailer-signature:${written(signature)}`
    parts.push(Buffer.from([...lines, signed].map((line) => `${line}\r\n`).join('')))
  }
  return Buffer.concat([...parts, Buffer.from('\r\n')])
}

const modeOf = (variant: Variant, decodedLength: number, trailerNames: string[]): PayloadMode => ({
  kind: 'chunked',
  decodedLength,
  trailer: trailerNames.length > 0,
  trailerNames,
  signed: true,
  signing: {
    key: variant.key,
    amzDate: AMZ_DATE,
    scopeText: variant.scopeText,
    seed: SEED,
  },
})

const chunkList = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 3 },
)
const trailerSets = fc.dictionary(
  fc.constantFrom('x-amz-checksum-crc32', 'x-amz-checksum-sha256'),
  fc.string({ unit: fc.constantFrom(...'aZ9+/='), minLength: 1, maxLength: 12 }),
  { maxKeys: 2 },
)

const accepted = (mode: PayloadMode, body: Buffer): boolean => {
  try {
    decodeWhole(mode, body)
    return true
  } catch (error) {
    assert.ok(error instanceof PayloadError)
    return false
  }
}

for (const [name, variant] of Object.entries(VARIANTS)) {
  describe(`signed chunks of ${name}`, () => {
    it('decode to the payload, and no byte of them can be another', () =>
      holds<[Buffer[], Record<string, string>, number]>(
        name === 'SigV4' ? 80 : 15,
        [chunkList, trailerSets, fc.nat()],
        async (chunks, trailers, seed) => {
          const body = await bodyOf(variant, chunks, trailers)
          const payload = Buffer.concat(chunks)
          const mode = modeOf(variant, payload.length, Object.keys(trailers))
          const whole = decodeWhole(mode, body)
          assert.deepEqual(whole.payload, payload)
          assert.deepEqual({ ...whole.trailers }, { ...trailers })
          const step = Math.max(1, Math.floor(body.length / 12))
          for (let at = seed % step; at < body.length; at += step) {
            const altered = Buffer.from(body)
            altered[at] = altered[at] === 0x78 ? 0x79 : 0x78
            assert.ok(!accepted(mode, altered), `byte ${at} of ${body.toString('latin1')}`)
          }
          for (const cut of [body.subarray(0, -1), Buffer.concat([body, Buffer.from('x')])]) {
            assert.ok(!accepted(mode, cut))
          }
        },
      ))
  })
}

describe('chunk signatures', () => {
  it('of one variant are none of the other', async () => {
    const [symmetric, asymmetric] = [VARIANTS.SigV4, VARIANTS.SigV4A]
    assert.ok(symmetric && asymmetric)
    const chunks = [Buffer.from('payload')]
    for (const [signer, reader] of [
      [symmetric, asymmetric],
      [asymmetric, symmetric],
    ] as const) {
      const body = await bodyOf(signer, chunks, {})
      assert.ok(!accepted(modeOf(reader, 7, []), body))
      assert.ok(accepted(modeOf(signer, 7, []), body))
    }
  })
})
