/**
 * One signature over one string to sign. The kind of key decides the algorithm, so a request cannot
 * have an HMAC checked with a public key or the other way round.
 */
import { createHmac, type KeyObject, verify } from 'node:crypto'
import { equalTexts } from '../equal-texts.ts'

export type SigningAlgorithm = 'AWS4-HMAC-SHA256' | 'AWS4-ECDSA-P256-SHA256'

/** What begins every string to sign, and names the streaming payloads that belong to it. */
export const algorithmOf = (key: KeyObject): SigningAlgorithm =>
  key.type === 'secret' ? 'AWS4-HMAC-SHA256' : 'AWS4-ECDSA-P256-SHA256'

/** `signature` is hexadecimal: 32 bytes of HMAC, or a DER-encoded pair of ECDSA. */
export const textSignatureHolds = (key: KeyObject, text: string, signature: string): boolean => {
  if (key.type === 'secret') {
    return equalTexts(createHmac('sha256', key).update(text).digest('hex'), signature)
  }
  const bytes = Buffer.from(signature, 'hex')
  return bytes.length * 2 === signature.length && verify('sha256', Buffer.from(text), key, bytes)
}
