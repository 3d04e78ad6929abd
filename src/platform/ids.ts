import { randomUUID } from 'node:crypto'
import { pooledRandomBytes } from './random.ts'

/** A lower-case RFC 4122 version 4 UUID: event ids, request ids of JSON and query services. */
export const uuid = (): string => randomUUID()

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The first `length` base62 digits of `bytes` read as one big-endian number's remainder chain. */
export const base62 = (bytes: Uint8Array, length: number): string => {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (let index = 0; index < length; index++) {
    text += BASE62.charAt(Number(value % 62n))
    value /= 62n
  }
  return text
}

const S3_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const S3_ID_LENGTH = 16

/** Sixteen upper-case alphanumerics, the form of S3's `x-amz-request-id`. */
export const s3RequestId = (): string => {
  let id = ''
  for (const byte of pooledRandomBytes(S3_ID_LENGTH)) id += S3_ALPHABET.charAt(byte % 36)
  return id
}
