/**
 * Encryption at rest. One master key wraps a random data key per file or sealed value; the data key
 * encrypts with AES-256-GCM under random 96-bit nonces (NIST SP 800-38D). Overhead of a sealed
 * chunk: 12 bytes nonce in front, 16 bytes tag behind.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { CodedError } from './errors.ts'
import { pooledRandomBytes } from './random.ts'

export const NONCE_BYTES = 12
export const TAG_BYTES = 16
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES
/** A wrapped data key: nonce, 32 bytes of key, tag. */
export const WRAPPED_KEY_BYTES = 32 + SEAL_OVERHEAD_BYTES

/** `wrong-key`: the bytes were sealed under another key; `tampered` cannot be told apart from it. */
export class EncryptionError extends CodedError<'wrong-key' | 'bad-key-file'> {}

/** Encrypts and authenticates chunks under one data key. `aad` binds a chunk to its place. */
export interface Cipher {
  seal(plain: Uint8Array, aad?: Uint8Array): Buffer
  /** Throws EncryptionError where key, bytes or aad differ. */
  open(sealed: Uint8Array, aad?: Uint8Array): Buffer
}

export interface MasterKey {
  /** A new random data key: the wrapped form goes into the file's header. */
  newDataKey(): { wrapped: Buffer; cipher: Cipher }
  /** The cipher of a file from its header. Throws EncryptionError under another master key. */
  dataKey(wrapped: Uint8Array): Cipher
  /** A keyed hash for index entries (HMAC-SHA256 under a key derived for `purpose`). */
  keyedHash(purpose: string): (text: string | Uint8Array) => Buffer
  /** Seals a small value (a credential, a private key) for storage in a document: base64 text. */
  sealText(plain: string | Uint8Array, purpose: string): string
  openText(sealed: string, purpose: string): Buffer
}

const cipherOf = (key: KeyObject): Cipher => ({
  seal: (plain, aad) => {
    const nonce = pooledRandomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    if (aad !== undefined) cipher.setAAD(aad)
    const body = cipher.update(plain)
    cipher.final()
    return Buffer.concat([nonce, body, cipher.getAuthTag()])
  },
  open: (sealed, aad) => {
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
      if (aad !== undefined) decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
      const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES))
      decipher.final()
      return plain
    } catch (cause) {
      throw new EncryptionError('wrong-key', 'The bytes do not open under this key.', {
        cause,
        hint: 'Restore the master key that this data folder was written with; if it is the right one, the bytes were altered.',
      })
    }
  },
})

/** Purposes whose key is remembered; there may be one for every access key. */
const SEALERS_MAX = 64

/** `secret`: exactly 32 bytes. */
export const masterKeyOf = (secret: Uint8Array): MasterKey => {
  if (secret.length !== 32) {
    throw new EncryptionError('bad-key-file', `A master key has 32 bytes, not ${secret.length}.`)
  }
  const derive = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32)))
  const wrapper = cipherOf(derive('clew wrap v1'))
  /** The first purposes, that is those of the whole store: deriving a key costs more than sealing. */
  const sealers = new Map<string, Cipher>()
  const sealerFor = (purpose: string): Cipher => {
    const sealer = sealers.get(purpose) ?? cipherOf(derive(`clew seal v1 ${purpose}`))
    if (sealers.size < SEALERS_MAX) sealers.set(purpose, sealer)
    return sealer
  }
  return {
    newDataKey: () => {
      const key = randomBytes(32)
      return { wrapped: wrapper.seal(key), cipher: cipherOf(createSecretKey(key)) }
    },
    dataKey: (wrapped) => cipherOf(createSecretKey(wrapper.open(wrapped))),
    keyedHash: (purpose) => {
      const key = derive(`clew hash v1 ${purpose}`)
      return (text) => createHmac('sha256', key).update(text).digest()
    },
    sealText: (plain, purpose) =>
      sealerFor(purpose)
        .seal(typeof plain === 'string' ? Buffer.from(plain) : plain)
        .toString('base64'),
    openText: (sealed, purpose) => sealerFor(purpose).open(Buffer.from(sealed, 'base64')),
  }
}
