/**
 * What the import's index keeps of an event: 8 bytes of its eventID and 16 of its text, both hashed
 * under a key of the data folder, so that nobody can test a guess of an event's content against it.
 */
import { hash } from 'node:crypto'
import type { MasterKey } from '../../../platform/encryption.ts'

export const ID_BYTES = 8
export const TEXT_BYTES = 16
export const FINGERPRINT_BYTES = ID_BYTES + TEXT_BYTES

const KEY_BYTES = 32
const SCRATCH_BYTES = 2 * 1024 * 1024

/** Writes the fingerprint of an event at `at` of `target`. */
export type Fingerprint = (
  event: { readonly eventId: string; readonly text: Buffer },
  target: Buffer,
  at: number,
) => void

/**
 * SHA-256 with the key in front. The result is cut short, so that the construction's length
 * extension gives nothing away; HMAC would cost twice as much.
 */
export const createFingerprint = (master: MasterKey): Fingerprint => {
  const hashed = (purpose: string): Buffer => {
    const scratch = Buffer.allocUnsafe(SCRATCH_BYTES)
    master.keyedHash(`import ${purpose}`)('key').copy(scratch, 0, 0, KEY_BYTES)
    return scratch
  }
  const ids = hashed('event ids')
  const texts = hashed('event texts')
  // As a string of bytes: a buffer for each digest costs more than hashing does.
  return ({ eventId, text }, target, at) => {
    const idLength = ids.write(eventId, KEY_BYTES)
    const id = hash('sha256', ids.subarray(0, KEY_BYTES + idLength), 'binary')
    target.write(id, at, ID_BYTES, 'latin1')
    text.copy(texts, KEY_BYTES)
    const whole = hash('sha256', texts.subarray(0, KEY_BYTES + text.length), 'binary')
    target.write(whole, at + ID_BYTES, TEXT_BYTES, 'latin1')
  }
}
