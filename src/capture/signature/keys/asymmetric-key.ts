/**
 * The key pair of Signature Version 4A: derived from access key id and secret alone, by the counter
 * mode of NIST SP 800-108 over HMAC-SHA256 (AWS: "Create a signed AWS API request", SigV4a;
 * reference/capture.md §3). Verifying needs its public half only.
 */
import { createECDH, createHmac, createPublicKey, type KeyObject } from 'node:crypto'

const LABEL = 'AWS4-ECDSA-P256-SHA256'
const SECRET_PREFIX = 'AWS4A'
const CURVE = 'prime256v1'
/** The order of P-256 less two: a candidate above it is no private key, and the next one is tried. */
const ORDER_LESS_TWO = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254fn
/** Counters that one byte holds; one in four thousand million keys needs a second one. */
const COUNTER_MAX = 254
const KEY_BYTES = 32

const ONE = Buffer.from([0, 0, 0, 1])
const LENGTH_BITS = Buffer.from([0, 0, 1, 0])

/** Exported for its test: `candidate` is 32 bytes of HMAC. Undefined where it is out of range. */
export const privateKeyOf = (candidate: Buffer): Buffer | undefined => {
  const value = BigInt(`0x${candidate.toString('hex')}`)
  if (value > ORDER_LESS_TWO) return undefined
  return Buffer.from((value + 1n).toString(16).padStart(KEY_BYTES * 2, '0'), 'hex')
}

const derivePrivate = (accessKeyId: string, secret: Buffer): Buffer => {
  const hmacKey = Buffer.concat([Buffer.from(SECRET_PREFIX), secret])
  for (let counter = 1; counter <= COUNTER_MAX; counter++) {
    const candidate = createHmac('sha256', hmacKey)
      .update(ONE)
      .update(LABEL)
      .update(Buffer.from([0]))
      .update(accessKeyId)
      .update(Buffer.from([counter]))
      .update(LENGTH_BITS)
      .digest()
    const key = privateKeyOf(candidate)
    if (key !== undefined) return key
  }
  throw new RangeError('No key of Signature Version 4A can be derived from this credential.')
}

/** The P-256 public key under which `accessKeyId` signs. `secret`: the bare secret. */
export const deriveAsymmetricKey = (accessKeyId: string, secret: KeyObject): KeyObject => {
  const pair = createECDH(CURVE)
  pair.setPrivateKey(derivePrivate(accessKeyId, secret.export()))
  const point = pair.getPublicKey(null, 'uncompressed')
  const coordinate = (from: number): string =>
    point.subarray(from, from + KEY_BYTES).toString('base64url')
  return createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(1 + KEY_BYTES) },
  })
}

/** A derivation is some hundred microseconds, and serves every request of its access key. */
const ENTRIES_MAX = 1024

/** Derived keys, least recently used first out. */
export const createAsymmetricKeys = (entriesMax = ENTRIES_MAX) => {
  const entries = new Map<string, { secret: KeyObject; key: KeyObject }>()
  return {
    of: (accessKeyId: string, secret: KeyObject): KeyObject => {
      const known = entries.get(accessKeyId)
      // A key id whose secret was replaced must not verify with the old one.
      const valid = known !== undefined && (known.secret === secret || known.secret.equals(secret))
      const key = valid ? known.key : deriveAsymmetricKey(accessKeyId, secret)
      entries.delete(accessKeyId)
      entries.set(accessKeyId, { secret, key })
      const oldest = entries.size > entriesMax ? entries.keys().next() : undefined
      if (oldest !== undefined && oldest.done !== true) entries.delete(oldest.value)
      return key
    },
  }
}

export type AsymmetricKeys = ReturnType<typeof createAsymmetricKeys>
