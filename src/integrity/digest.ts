/**
 * The digest document: what was delivered in an interval, and the link to the digest before it.
 * Layout, key and metadata: reference/formats.md §4; docs/formats/digest.md.
 */
import { createHash } from 'node:crypto'
import { isoSeconds } from '../platform/clock.ts'

export const DIGEST_SIGNATURE_ALGORITHM = 'SHA256withRSA'
export const HASH_ALGORITHM = 'SHA-256'

/** A delivered log file as a digest lists it. */
export interface DigestedFile {
  readonly bucket: string
  readonly key: string
  /** Hex SHA-256 of the uncompressed bytes. */
  readonly sha256: string
  /** eventTime texts; null where a file has none. */
  readonly newestEventTime: string | null
  readonly oldestEventTime: string | null
}

/** What a digest says of the one before it. */
export interface DigestLink {
  readonly bucket: string
  readonly key: string
  /** Hex SHA-256 of its uncompressed bytes. */
  readonly hash: string
  /** Hex, as in its metadata. */
  readonly signature: string
}

/** Which trail's deliveries of which region are digested. */
export interface DigestScope {
  readonly account: string
  /** Whose log files are listed. */
  readonly region: string
  readonly trailName: string
  readonly homeRegion: string
  readonly bucket: string
  /** Without a trailing slash. */
  readonly prefix?: string
}

export interface DigestFacts {
  readonly scope: DigestScope
  /** Epoch milliseconds, whole seconds. */
  readonly start: number
  readonly end: number
  readonly fingerprint: string
  /** In the order in which their puts were recorded. */
  readonly files: readonly DigestedFile[]
  /** Undefined for a starting digest. */
  readonly previous: DigestLink | undefined
}

export const sha256Hex = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

/** `20260302T081520Z` */
const compactTime = (ms: number): string => isoSeconds(ms).replaceAll(/[-:]/g, '')

/** Everything in front of the region's folder; also what a verifier lists. */
export const digestPrefix = (prefix: string | undefined, owner: string, region: string): string =>
  `${prefix === undefined || prefix === '' ? '' : `${prefix}/`}AWSLogs/${owner}/CloudTrail-Digest/${region}`

/** Nothing may follow the timestamp: the AWS CLI cuts it out at fixed offsets (§4.1). */
export const digestKey = (scope: DigestScope, end: number): string => {
  const { account, region, trailName, homeRegion } = scope
  const day = isoSeconds(end).slice(0, 10).replaceAll('-', '/')
  const name = `${account}_CloudTrail-Digest_${region}_${trailName}_${homeRegion}_${compactTime(end)}`
  return `${digestPrefix(scope.prefix, account, region)}/${day}/${name}.json.gz`
}

const extreme = (times: readonly (string | null)[], newest: boolean): string | null => {
  const known = times.filter((time) => time !== null).sort()
  return (newest ? known.at(-1) : known[0]) ?? null
}

/** The document's bytes: keys in AWS's order, no white space. */
export const digestText = (facts: DigestFacts): string => {
  const { scope, files, previous } = facts
  return JSON.stringify({
    awsAccountId: scope.account,
    digestStartTime: isoSeconds(facts.start),
    digestEndTime: isoSeconds(facts.end),
    digestS3Bucket: scope.bucket,
    digestS3Object: digestKey(scope, facts.end),
    digestPublicKeyFingerprint: facts.fingerprint,
    digestSignatureAlgorithm: DIGEST_SIGNATURE_ALGORITHM,
    newestEventTime: extreme(
      files.map((file) => file.newestEventTime),
      true,
    ),
    oldestEventTime: extreme(
      files.map((file) => file.oldestEventTime),
      false,
    ),
    previousDigestS3Bucket: previous?.bucket ?? null,
    previousDigestS3Object: previous?.key ?? null,
    previousDigestHashValue: previous?.hash ?? null,
    previousDigestHashAlgorithm: previous === undefined ? null : HASH_ALGORITHM,
    previousDigestSignature: previous?.signature ?? null,
    logFiles: files.map((file) => ({
      s3Bucket: file.bucket,
      s3Object: file.key,
      hashValue: file.sha256,
      hashAlgorithm: HASH_ALGORITHM,
      newestEventTime: file.newestEventTime,
      oldestEventTime: file.oldestEventTime,
    })),
  })
}

/** User metadata of the object; S3 header names must be lower case for the AWS CLI (§4.3). */
export const digestMetadata = (
  signature: string,
): { readonly signature: string; readonly 'signature-algorithm': string } => ({
  signature,
  'signature-algorithm': DIGEST_SIGNATURE_ALGORITHM,
})
