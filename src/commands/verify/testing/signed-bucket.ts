/** A bucket with a signed chain in it, made with the parts that deliver real ones. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import {
  type DigestedFile,
  type DigestLink,
  type DigestScope,
  digestKey,
  digestMetadata,
  digestText,
  sha256Hex,
} from '../../../integrity/digest.ts'
import { publicKeyBytes, signText, stringToSign } from '../../../integrity/signature.ts'
import type { Finding, VerifyAccess, VerifyTarget } from '../../../integrity/verification.ts'
import { verifyChain } from '../../../integrity/verify-chain.ts'
import { isoSeconds } from '../../../platform/clock.ts'
import { hashOfMember, inflateGzipMember } from '../content/gzip-member.ts'

export const HOUR = 3_600_000
export const START = Date.UTC(2026, 2, 2, 8, 15, 20)

export const scope: DigestScope = {
  account: '210000000001',
  region: 'eu-west-1',
  trailName: 'main',
  homeRegion: 'eu-west-1',
  bucket: 'audit-demo',
}
export const trailArn = `arn:aws:cloudtrail:${scope.homeRegion}:${scope.account}:trail/${scope.trailName}`

const golden = JSON.parse(
  readFileSync(new URL('../../../../test/golden/digests/key.json', import.meta.url), 'utf8'),
) as { privateKeyPkcs8Pem: string; fingerprint: string }
const privateKey = createPrivateKey(golden.privateKeyPkcs8Pem)
export const publicKey = publicKeyBytes(privateKey)
export const { fingerprint } = golden

export interface StoredObject {
  body: Buffer
  metadata: Record<string, string>
}

export interface SignedBucket {
  /** By key. */
  readonly objects: Map<string, StoredObject>
  /** Oldest first. */
  readonly digests: string[]
  readonly logs: string[]
  /** By key, epoch milliseconds; absent: START. */
  readonly modified?: ReadonlyMap<string, number>
}

const logFile = (bucket: SignedBucket, of: DigestScope, number: number): DigestedFile => {
  const { account, region } = of
  const key = `AWSLogs/${account}/CloudTrail/${region}/2026/03/02/${account}_CloudTrail_${region}_20260302T0820Z_${String(number).padStart(16, '0')}.json.gz`
  const text = `{"Records":[{"eventID":"${number}"}]}`
  bucket.objects.set(key, { body: gzipSync(text), metadata: {} })
  bucket.logs.push(key)
  const newestEventTime = '2026-03-02T08:19:00Z'
  const sha256 = sha256Hex(text)
  return { bucket: scope.bucket, key, sha256, newestEventTime, oldestEventTime: newestEventTime }
}

const addDigest = (
  bucket: SignedBucket,
  of: DigestScope,
  start: number,
  end: number,
  files: readonly DigestedFile[],
  previous: DigestLink | undefined,
): DigestLink => {
  const text = digestText({ scope: of, start, end, fingerprint, files, previous })
  const key = digestKey(of, end)
  const hash = sha256Hex(text)
  const signature = signText(
    stringToSign({
      endTime: isoSeconds(end),
      bucket: scope.bucket,
      key,
      sha256: hash,
      previousSignature: previous?.signature ?? null,
    }),
    privateKey,
  )
  bucket.objects.set(key, { body: gzipSync(text), metadata: { ...digestMetadata(signature) } })
  bucket.digests.push(key)
  return { bucket: scope.bucket, key, hash, signature }
}

/** Chains of hourly digests, each with the given numbers of log files; one hour between chains. */
export const signedBucketOf = (
  of: DigestScope,
  ...chains: readonly (readonly number[])[]
): SignedBucket => {
  const bucket: SignedBucket = { objects: new Map(), digests: [], logs: [] }
  let end = START
  for (const counts of chains) {
    let previous = addDigest(bucket, of, end - HOUR, end, [], undefined)
    for (const count of counts) {
      const files = Array.from({ length: count }, () => logFile(bucket, of, bucket.logs.length))
      previous = addDigest(bucket, of, end, end + HOUR, files, previous)
      end += HOUR
    }
    end += 2 * HOUR
  }
  return bucket
}

export const signedBucket = (...chains: readonly (readonly number[])[]): SignedBucket =>
  signedBucketOf(scope, ...chains)

export const accessOf = (bucket: SignedBucket, metadataKept = true): VerifyAccess => ({
  list: async function* (name, prefix, after) {
    if (name !== scope.bucket) throw new Error('NoSuchBucket')
    for (const key of [...bucket.objects.keys()].sort()) {
      if (key.startsWith(prefix) && key > after) yield { key, lastModified: START }
    }
  },
  fetch: async (name, key) => {
    const object = name === scope.bucket ? bucket.objects.get(key) : undefined
    if (object === undefined || metadataKept) return object
    return { body: object.body, metadata: {} }
  },
  hash: async (name, key) => {
    const object = name === scope.bucket ? bucket.objects.get(key) : undefined
    return object && hashOfMember(object.body)
  },
  publicKey: async (name) => (name === fingerprint ? publicKey : undefined),
  inflate: inflateGzipMember,
  metadataKept,
})

export const verify = async (
  bucket: SignedBucket,
  changes: Partial<VerifyTarget> = {},
  access: VerifyAccess = accessOf(bucket),
) => {
  const findings: Finding[] = []
  const target = { ...scope, start: 0, end: Date.UTC(2027, 0, 1), ...changes }
  const report = (finding: Finding): void => void findings.push(finding)
  const summary = await verifyChain(target, access, { concurrency: 4, report })
  const invalid = findings.filter(({ verdict }) => verdict === 'invalid').map(({ text }) => text)
  return { summary, findings, invalid }
}
