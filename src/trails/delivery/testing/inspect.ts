/** What a bucket holds, checked as an auditor would. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { crc32, inflateRawSync } from 'node:zlib'
import type { ParsedLogFile } from '../../../integrity/parse-digest.ts'
import type { Inflated, VerifyAccess, VerifySummary } from '../../../integrity/verification.ts'
import { verifyChain } from '../../../integrity/verify-chain.ts'
import type { Trail } from '../../trail.ts'
import type { MemoryBucket } from './memory-bucket.ts'
import type { World } from './world.ts'

/** One gzip member without optional header fields, strictly. */
export const inflateMember = (body: Uint8Array): Inflated | undefined => {
  const bytes = Buffer.from(body)
  if (bytes.length < 18 || bytes.readUInt32BE(0) >>> 8 !== 0x1f8b08 || bytes[3] !== 0) {
    return undefined
  }
  try {
    // With `info` the engine says how much it read: the typings of Node do not know it.
    const { buffer, engine } = inflateRawSync(bytes.subarray(10), { info: true }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    const trailer = 10 + engine.bytesWritten
    if (bytes.length < trailer + 8) return undefined
    if (bytes.readUInt32LE(trailer) !== crc32(buffer)) return undefined
    return { data: buffer, trailing: bytes.length > trailer + 8 }
  } catch {
    // Not deflated: the verifier reports that.
    return undefined
  }
}

export const accessOf = (
  bucket: MemoryBucket,
  publicKey: VerifyAccess['publicKey'],
): VerifyAccess => ({
  list: async function* (name, prefix, after) {
    const keys = [...bucket.objects.keys()]
      .filter((place) => place.startsWith(`${name}/`))
      .map((place) => place.slice(name.length + 1))
    for (const key of keys.sort()) {
      if (key.startsWith(prefix) && key > after) yield { key }
    }
  },
  fetch: async (name, key) => {
    const object = bucket.objects.get(`${name}/${key}`)
    return object === undefined ? undefined : { body: object.body, metadata: object.metadata ?? {} }
  },
  hash: async (name, key) => {
    const object = bucket.objects.get(`${name}/${key}`)
    if (object === undefined) return undefined
    const found = inflateMember(object.body)
    return {
      sha256: found && createHash('sha256').update(found.data).digest('hex'),
      trailing: found?.trailing ?? false,
    }
  },
  publicKey,
  inflate: inflateMember,
  metadataKept: true,
})

export const accessOfWorld = (world: World, region: string): VerifyAccess =>
  accessOf(world.bucket, async (fingerprint) => {
    const keys = (await world.signingKeys.exportPublicKeys()).regions[region] ?? []
    const key = keys.find((candidate) => candidate.fingerprint === fingerprint)
    return key === undefined ? undefined : Buffer.from(key.publicKey, 'base64')
  })

export interface Verified {
  readonly summary: VerifySummary
  readonly texts: string[]
}

export const verifyTrail = async (
  world: World,
  trail: Trail,
  region = trail.homeRegion,
): Promise<Verified> => {
  const texts: string[] = []
  const summary = await verifyChain(
    {
      trailName: trail.name,
      homeRegion: trail.homeRegion,
      account: trail.account,
      region,
      bucket: trail.s3BucketName,
      ...(trail.s3KeyPrefix === undefined ? {} : { prefix: trail.s3KeyPrefix }),
      start: 0,
      end: Date.UTC(2100, 0, 1),
    },
    accessOfWorld(world, region),
    { concurrency: 4, report: (finding) => texts.push(finding.text) },
  )
  return { summary, texts }
}

export const assertValid = async (
  world: World,
  trail: Trail,
  region = trail.homeRegion,
): Promise<VerifySummary> => {
  const { summary, texts } = await verifyTrail(world, trail, region)
  const bad = texts.filter((text) => text.includes('INVALID'))
  assert.deepEqual(bad, [])
  return summary
}

/** Log files that the digests list, in the order of the digests. */
export const listedFiles = (world: World, region: string): ParsedLogFile[] =>
  world.bucket.places('CloudTrail-Digest', region).flatMap((place) =>
    world.bucket
      .json<{ logFiles: { s3Bucket: string; s3Object: string; hashValue: string }[] }>(place)
      .logFiles.map((file) => ({
        bucket: file.s3Bucket,
        key: file.s3Object,
        hash: file.hashValue,
      })),
  )

/** The event ids of all log files, file by file in the order of their puts. */
export const deliveredIds = (world: World, region = ''): string[] =>
  world.bucket
    .places('CloudTrail', region)
    .flatMap((place) =>
      world.bucket.json<{ Records: { eventID: string }[] }>(place).Records.map((r) => r.eventID),
    )
