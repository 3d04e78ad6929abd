/** Digests of a body while it streams by: MD5 for the ETag and one checksum of S3's set. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { loadLater } from '../../../platform/load-later.ts'

const crc32c = loadLater<typeof import('@aws-crypto/crc32c')>('@aws-crypto/crc32c')
const crc64Nvme = loadLater<typeof import('@aws-sdk/crc64-nvme')>('@aws-sdk/crc64-nvme')

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

/** What S3 computes for an object whose writer sent no checksum. */
export const DEFAULT_CHECKSUM: ChecksumAlgorithm = 'CRC64NVME'

export interface RunningDigest {
  update(chunk: Uint8Array): void
  digest(): Promise<Buffer>
}

const hashOf = (name: string): RunningDigest => {
  const hash = createHash(name)
  return {
    update: (chunk) => void hash.update(chunk),
    digest: async () => hash.digest(),
  }
}

const crc32Digest = (): RunningDigest => {
  let value = 0
  return {
    update: (chunk) => {
      value = crc32(chunk, value)
    },
    digest: async () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value >>> 0)
      return bytes
    },
  }
}

const libraryDigest = (library: {
  update(chunk: Uint8Array): void
  digest(): Promise<Uint8Array>
}): RunningDigest => ({
  update: (chunk) => library.update(chunk),
  digest: async () => Buffer.from(await library.digest()),
})

const MAKERS: Readonly<Record<ChecksumAlgorithm, () => RunningDigest>> = {
  CRC32: crc32Digest,
  CRC32C: () => libraryDigest(new (crc32c().AwsCrc32c)()),
  CRC64NVME: () => libraryDigest(new (crc64Nvme().Crc64Nvme)()),
  SHA1: () => hashOf('sha1'),
  SHA256: () => hashOf('sha256'),
}

export const checksumDigest = (algorithm: ChecksumAlgorithm): RunningDigest => MAKERS[algorithm]()

/** The base64 checksum of bytes that are in memory. */
export const checksumOf = async (
  algorithm: ChecksumAlgorithm,
  bytes: Uint8Array,
): Promise<string> => {
  const running = checksumDigest(algorithm)
  running.update(bytes)
  return (await running.digest()).toString('base64')
}

export const md5Digest = (): RunningDigest => hashOf('md5')
