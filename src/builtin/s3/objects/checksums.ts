/**
 * Integrity of uploads: Content-MD5 and the `x-amz-checksum-…` headers or trailers
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumOf,
} from '../../../outlets/file-system/content/digests.ts'
import type { CheckReceived } from '../../../outlets/file-system/content/incoming.ts'
import type { StoredChecksum } from '../../../outlets/file-system/stored-object.ts'
import { invalidArgument, notImplemented, S3Fault } from '../fault.ts'
import type { S3Request } from '../request.ts'

const HEADER_PREFIX = 'x-amz-checksum-'
/** Names with that prefix that are no checksums. */
const NO_CHECKSUMS = new Set(['algorithm', 'mode', 'type'])
/** Bytes of each algorithm's value. */
const VALUE_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

const isAlgorithm = (name: string): name is ChecksumAlgorithm =>
  CHECKSUM_ALGORITHMS.some((algorithm) => algorithm === name)

/** An algorithm as a request names it, in any case. */
export const algorithmOf = (name: string, header: string): ChecksumAlgorithm => {
  const upper = name.toUpperCase()
  if (isAlgorithm(upper)) return upper
  if (/^(?:SHA512|MD5|XXHASH64|XXHASH3|XXHASH128)$/.test(upper)) {
    throw notImplemented(`the checksum algorithm ${upper} (${header})`)
  }
  throw new S3Fault('InvalidRequest', `Checksum algorithm provided is unsupported. ${header}`)
}

export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `${HEADER_PREFIX}${algorithm.toLowerCase()}`

const base64Bytes = (value: string): Buffer | undefined => {
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : undefined
}

const checkForm = (algorithm: ChecksumAlgorithm, value: string): void => {
  if (base64Bytes(value)?.length === VALUE_BYTES[algorithm]) return
  throw new S3Fault('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`)
}

/** Names after the prefix: `crc32`. */
const checksumNames = (names: readonly string[]): string[] =>
  names
    .filter((name) => name.startsWith(HEADER_PREFIX))
    .map((name) => name.slice(HEADER_PREFIX.length))
    .filter((name) => !NO_CHECKSUMS.has(name))

interface Declared {
  readonly algorithm: ChecksumAlgorithm
  /** The value of a header; a trailer's is known at the end. */
  readonly value: string | undefined
}

const declaredChecksum = (request: S3Request): Declared | undefined => {
  const { headers } = request
  const trailers = (headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  const names = new Set([...checksumNames(Object.keys(headers)), ...checksumNames(trailers)])
  const [name, second] = names
  const asked = headers['x-amz-sdk-checksum-algorithm']
  if (name === undefined) {
    if (asked === undefined) return undefined
    throw new S3Fault(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (second !== undefined) {
    throw new S3Fault(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  const algorithm = algorithmOf(name, `${HEADER_PREFIX}${name}`)
  if (asked !== undefined && algorithmOf(asked, 'x-amz-sdk-checksum-algorithm') !== algorithm) {
    throw invalidArgument(
      'Value for x-amz-sdk-checksum-algorithm header is invalid.',
      'x-amz-sdk-checksum-algorithm',
      asked,
    )
  }
  const value = headers[checksumHeader(algorithm)]
  if (value !== undefined) checkForm(algorithm, value)
  return { algorithm, value }
}

const declaredMd5 = (request: S3Request): Buffer | undefined => {
  const value = request.headers['content-md5']
  if (value === undefined) return undefined
  const md5 = base64Bytes(value.trim())
  if (md5?.length !== 16) throw new S3Fault('InvalidDigest')
  return md5
}

const mismatch = (algorithm: ChecksumAlgorithm): S3Fault =>
  new S3Fault('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)

const isSame = (declared: string, computed: string): boolean => {
  const [a, b] = [Buffer.from(declared), Buffer.from(computed)]
  return a.length === b.length && timingSafeEqual(a, b)
}

export interface UploadCheck {
  /** What the sender declared; undefined: nothing. */
  readonly algorithm: ChecksumAlgorithm | undefined
  readonly check: CheckReceived
}

/** Reads the declarations of an upload now and compares them when its body has arrived. */
export const uploadCheck = (request: S3Request, size: number): UploadCheck => {
  const declared = declaredChecksum(request)
  const md5 = declaredMd5(request)
  return {
    algorithm: declared?.algorithm,
    check: (received) => {
      if (received.size !== size) throw new S3Fault('IncompleteBody')
      if (md5 !== undefined && !md5.equals(received.md5)) {
        throw new S3Fault('BadDigest', undefined, {
          ExpectedDigest: md5.toString('base64'),
          CalculatedDigest: received.md5.toString('base64'),
        })
      }
      if (declared === undefined) return
      const { algorithm } = declared
      const value = declared.value ?? request.call.trailers()[checksumHeader(algorithm)]
      if (value === undefined) {
        throw new S3Fault('InvalidRequest', 'The trailer that x-amz-trailer names is missing.')
      }
      checkForm(algorithm, value)
      if (!isSame(value, received.checksum.value)) throw mismatch(algorithm)
    },
  }
}

/** The same for a body in memory; returns whether anything was declared. */
export const checkSmallBody = async (request: S3Request, body: Buffer): Promise<boolean> => {
  const declared = declaredChecksum(request)
  const md5 = declaredMd5(request)
  if (md5 !== undefined && !createHash('md5').update(body).digest().equals(md5)) {
    throw new S3Fault('BadDigest')
  }
  if (declared !== undefined) {
    const { algorithm } = declared
    const value = declared.value ?? request.call.trailers()[checksumHeader(algorithm)] ?? ''
    checkForm(algorithm, value)
    if (!isSame(value, await checksumOf(algorithm, body))) throw mismatch(algorithm)
  }
  return declared !== undefined || md5 !== undefined
}

export const checksumHeaders = (checksum: StoredChecksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : {
        [checksumHeader(checksum.algorithm)]: checksum.value,
        'x-amz-checksum-type': checksum.type,
      }

/** `ChecksumCRC32` and `ChecksumType`, as result documents show them. */
export const checksumElements = (
  checksum: StoredChecksum | undefined,
): Record<string, string | undefined> =>
  checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
