/**
 * Checksums of an object from those of its parts, without reading it again
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ChecksumAlgorithm } from '../../../outlets/file-system/content/digests.ts'
import { loadLater } from '../../../platform/load-later.ts'

const library = loadLater<typeof import('@aws-crypto/crc32c')>('@aws-crypto/crc32c')

type Cyclic = 'CRC32' | 'CRC32C' | 'CRC64NVME'

/** Reflected polynomials: of zlib; Castagnoli, RFC 3720; NVM Express base specification. */
const CYCLIC: Readonly<Record<Cyclic, { bits: bigint; polynomial: bigint }>> = {
  CRC32: { bits: 32n, polynomial: 0xedb88320n },
  CRC32C: { bits: 32n, polynomial: 0x82f63b78n },
  CRC64NVME: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
}

export const isCyclic = (algorithm: ChecksumAlgorithm): algorithm is Cyclic =>
  Object.hasOwn(CYCLIC, algorithm)

interface Field {
  /** The product of two polynomials modulo the CRC's, both in reflected form. */
  multiply(a: bigint, b: bigint): bigint
  /** x to the power of eight times `bytes`. */
  shift(bytes: number): bigint
}

const fieldOf = ({ bits, polynomial }: { bits: bigint; polynomial: bigint }): Field => {
  const one = 1n << (bits - 1n)
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n
    let term = b
    for (let bit = one; bit !== 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= term
      term = (term & 1n) === 0n ? term >> 1n : (term >> 1n) ^ polynomial
    }
    return product
  }
  // Nearly all parts of an upload have one size: the power is computed once.
  const known = new Map<number, bigint>()
  const shift = (bytes: number): bigint => {
    const found = known.get(bytes)
    if (found !== undefined) return found
    let power = one
    let square = one >> 8n
    for (let rest = BigInt(bytes); rest !== 0n; rest >>= 1n) {
      if ((rest & 1n) === 1n) power = multiply(square, power)
      square = multiply(square, square)
    }
    known.set(bytes, power)
    return power
  }
  return { multiply, shift }
}

export interface PartChecksum {
  readonly size: number
  /** Base64. */
  readonly value: string
}

/** The CRC of all parts' bytes one after the other, base64. */
export const combineCyclic = (algorithm: Cyclic, parts: readonly PartChecksum[]): string => {
  const parameters = CYCLIC[algorithm]
  const field = fieldOf(parameters)
  let value = 0n
  for (const part of parts) {
    const own = BigInt(`0x${Buffer.from(part.value, 'base64').toString('hex')}`)
    value = field.multiply(field.shift(part.size), value) ^ own
  }
  return Buffer.from(value.toString(16).padStart(Number(parameters.bits) / 4, '0'), 'hex').toString(
    'base64',
  )
}

const wordBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

const DIGESTS: Readonly<
  Record<Exclude<ChecksumAlgorithm, 'CRC64NVME'>, (bytes: Buffer) => Buffer>
> = {
  CRC32: (bytes) => wordBytes(crc32(bytes)),
  CRC32C: (bytes) => wordBytes(new (library().Crc32c)().update(bytes).digest()),
  SHA1: (bytes) => createHash('sha1').update(bytes).digest(),
  SHA256: (bytes) => createHash('sha256').update(bytes).digest(),
}

/** The checksum of the parts' checksums, `-<parts>` behind. */
export const composite = (
  algorithm: Exclude<ChecksumAlgorithm, 'CRC64NVME'>,
  values: readonly string[],
): string => {
  const joined = Buffer.concat(values.map((value) => Buffer.from(value, 'base64')))
  return `${DIGESTS[algorithm](joined).toString('base64')}-${values.length}`
}

/** ETag of a multipart object: the MD5 of the parts' MD5s and their number. */
export const multipartEtag = (etags: readonly string[]): string => {
  const joined = Buffer.from(etags.join('').replaceAll('"', ''), 'hex')
  return `"${createHash('md5').update(joined).digest('hex')}-${etags.length}"`
}
