import { randomBytes, randomUUID } from 'node:crypto'

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

/** Sixteen upper-case alphanumerics, the form of S3's `x-amz-request-id`. */
export const s3RequestId = (): string => {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  return Array.from(randomBytes(16), (byte) => alphabet.charAt(byte % 36)).join('')
}
