import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { MasterKey } from '../../platform/encryption.ts'

/** A key pair in the clear: handed to its owner once, never stored or logged so. */
export interface PlainKey {
  readonly accessKeyId: string
  readonly secret: string
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** 30 random bytes are 40 characters of base64, the length of AWS's secrets. */
const SECRET_BYTES = 30
/** 288 characters of base64, well under the 2 KB that clients put up with. */
const SESSION_TOKEN_BYTES = 216

const randomBase32 = (length: number): string =>
  Array.from(randomBytes(length), (byte) => BASE32.charAt(byte % 32)).join('')

/**
 * IAM's unique ids by their prefixes (IAM User Guide, unique identifiers): access keys have 20
 * characters, users and roles 21.
 */
export const newId = (prefix: 'AKIA' | 'ASIA' | 'AIDA' | 'AROA'): string =>
  prefix + randomBase32(prefix === 'AKIA' || prefix === 'ASIA' ? 16 : 17)

export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64')
export const newSessionToken = (): string => randomBytes(SESSION_TOKEN_BYTES).toString('base64')

/** The purpose binds a sealed value to its key: it does not open in another key's document. */
const purposeOf = (accessKeyId: string, part: 'secret' | 'token'): string =>
  `identity ${part} ${accessKeyId}`

export const sealFor = (
  master: MasterKey,
  accessKeyId: string,
  part: 'secret' | 'token',
  plain: string,
): string => master.sealText(plain, purposeOf(accessKeyId, part))

/** Throws EncryptionError under another master key. */
export const openFor = (
  master: MasterKey,
  accessKeyId: string,
  part: 'secret' | 'token',
  sealed: string,
): Buffer => master.openText(sealed, purposeOf(accessKeyId, part))

const SIGV4_PREFIX = Buffer.from('AWS4')

/** The two HMAC keys that signatures start from; the plain bytes are wiped. */
export const hmacKeysOf = (secret: Buffer): { signingSecret: KeyObject; secret: KeyObject } => {
  const prefixed = Buffer.concat([SIGV4_PREFIX, secret])
  const keys = { signingSecret: createSecretKey(prefixed), secret: createSecretKey(secret) }
  prefixed.fill(0)
  secret.fill(0)
  return keys
}
