/**
 * Signatures of digests: RSASSA-PKCS1-v1_5 with SHA-256 over a text of four lines
 * (reference/formats.md §4.4, RFC 8017 §8.2). They are deterministic: the same digest signed again
 * under the same key gives the same bytes.
 */
import { constants, createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

export interface SignedFacts {
  /** `digestEndTime` verbatim from the document. */
  readonly endTime: string
  readonly bucket: string
  readonly key: string
  /** Hex SHA-256 of the uncompressed document. */
  readonly sha256: string
  /** Verbatim from the document. */
  readonly previousSignature: string | null
}

export const stringToSign = (facts: SignedFacts): string =>
  [
    facts.endTime,
    `${facts.bucket}/${facts.key}`,
    facts.sha256,
    facts.previousSignature ?? 'null',
  ].join('\n')

/** Hex, 512 digits for a key of 2048 bits. */
export const signText = (text: string, privateKey: KeyObject): string =>
  sign('sha256', Buffer.from(text), {
    key: privateKey,
    padding: constants.RSA_PKCS1_PADDING,
  }).toString('hex')

/** False for a wrong signature and for text that is no hex. */
export const verifyText = (text: string, signature: string, publicKey: KeyObject): boolean => {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(signature)) return false
  const key = { key: publicKey, padding: constants.RSA_PKCS1_PADDING }
  return verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'hex'))
}

/** The `Value` of ListPublicKeys: PKCS#1 `RSAPublicKey` in DER (§4.5); SPKI is refused by the CLI. */
export const publicKeyBytes = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'pkcs1', format: 'der' })

/** Undefined where the bytes are no PKCS#1 public key. */
export const publicKeyOf = (bytes: Uint8Array): KeyObject | undefined => {
  try {
    return createPublicKey({ key: Buffer.from(bytes), type: 'pkcs1', format: 'der' })
  } catch {
    // Whatever is wrong with the bytes, they are not a key; the caller reports that.
    return undefined
  }
}

/** Lower-case hex MD5 of the `Value` bytes: an identifier, not a protection (§4.5). */
export const fingerprintOf = (publicKey: Uint8Array): string =>
  createHash('md5').update(publicKey).digest('hex')
