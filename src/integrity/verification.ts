/**
 * What a verification works on and what it finds. The messages are those of
 * `aws cloudtrail validate-logs` (reference/formats.md §4.8), with tabs where it has tabs; those
 * that it does not have are marked below.
 */
import { isoSeconds } from '../platform/clock.ts'

export interface FetchedObject {
  readonly body: Uint8Array
  /** User metadata, names in lower case without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
}

export interface ListedKey {
  readonly key: string
  /** Epoch milliseconds, where the store knows it. */
  readonly lastModified?: number
}

export interface Inflated {
  readonly data: Uint8Array
  /** Bytes follow the one gzip member. */
  readonly trailing: boolean
}

/** What a log file holds. `sha256`: hex, of the uncompressed bytes; undefined where it is no gzip. */
export interface ContentHash {
  readonly sha256: string | undefined
  /** Bytes follow the one gzip member. */
  readonly trailing: boolean
}

/** Where a verification reads. All may be called in parallel. */
export interface VerifyAccess {
  /** Keys below `prefix` and behind `after`, in byte order. */
  list(bucket: string, prefix: string, after: string): AsyncIterable<ListedKey>
  /** Undefined: no such object. What it throws is reported as a finding of that object. */
  fetch(bucket: string, key: string): Promise<FetchedObject | undefined>
  /** Of a log file, maybe in another thread. Undefined: no such object; throws as `fetch` does. */
  hash(bucket: string, key: string): Promise<ContentHash | undefined>
  /** The `Value` bytes of a key; `at`: when the digest was made, epoch milliseconds. */
  publicKey(fingerprint: string, at: number): Promise<Uint8Array | undefined>
  /** One gzip member; undefined where it is none. */
  inflate(body: Uint8Array): Inflated | undefined
  /**
   * False for a downloaded folder, which has no user metadata: then the signature of a digest is
   * taken from the digest that follows it.
   */
  readonly metadataKept: boolean
}

/** Which chain, and which part of it. Times in epoch milliseconds. */
export interface VerifyTarget {
  readonly trailName: string
  readonly homeRegion: string
  readonly account: string
  readonly organizationId?: string
  /** Whose log files are checked. */
  readonly region: string
  readonly bucket: string
  readonly prefix?: string
  readonly start: number
  readonly end: number
  /** A valid digest must reach this time: finds that the newest ones were deleted. */
  readonly expectUntil?: number
  /** The trail says that it delivered a digest then. */
  readonly expectDelivered?: number
  /** The newest digest that is known to have been delivered. */
  readonly head?: { readonly bucket: string; readonly key: string }
}

export interface Finding {
  readonly subject: 'digest' | 'log' | 'chain'
  readonly backfill: boolean
  /** `unverified`: nothing is wrong with it as far as it can be seen, but nothing proves it. */
  readonly verdict: 'valid' | 'invalid' | 'unverified' | 'gap'
  readonly bucket?: string
  readonly key?: string
  /** The whole line. */
  readonly text: string
}

export interface VerifySummary {
  readonly digests: { readonly valid: number; readonly invalid: number }
  readonly backfillDigests: { readonly valid: number; readonly invalid: number }
  readonly logs: { readonly valid: number; readonly invalid: number }
  /** Newest digests of a downloaded chain, whose signature the folder does not have. */
  readonly unverified: number
  /** Findings about the chain as a whole: digests that are known to be missing. */
  readonly chainProblems: number
  /** What the valid digests cover, within the requested range; epoch milliseconds. */
  readonly foundStart?: number
  readonly foundEnd?: number
}

/**
 * `allowUnverified`: the end of a downloaded chain may lack its signature
 * (docs/decisions/0040-unsigned-newest-digest.md); a chain of nothing else is never valid.
 */
export const isValid = (summary: VerifySummary, allowUnverified = false): boolean =>
  summary.digests.invalid + summary.backfillDigests.invalid + summary.logs.invalid === 0 &&
  summary.chainProblems === 0 &&
  (summary.unverified === 0 || (allowUnverified && summary.digests.valid > 0))

/** The texts behind `INVALID: `. */
export const PROBLEMS = {
  signature: 'signature verification failed',
  format: 'invalid format',
  moved: 'has been moved from its original location',
  missing: 'not found',
  hash: "hash value doesn't match",
  trailing: 'unexpected data after end of compressed stream',
  publicKey: (homeRegion: string, fingerprint: string): string =>
    `public key not found in region ${homeRegion} for fingerprint ${fingerprint}`,
  badKey: (fingerprint: string): string =>
    `Unable to load PKCS #1 key with fingerprint ${fingerprint}`,
  /** Ours: the AWS CLI does not compare the link's hash and signature. */
  link: 'does not match the link in the digest that follows it',
} as const

const SUBJECTS = { digest: 'Digest file', log: 'Log file' } as const

export const objectFinding = (
  subject: 'digest' | 'log',
  place: { readonly bucket: string; readonly key: string },
  backfill: boolean,
  problem: string | undefined,
): Finding => {
  const { bucket, key } = place
  // The CLI gives the lead-in to backfill digests only, not to the log files that they list.
  const lead = backfill && subject === 'digest' ? '(backfill) ' : ''
  const verdict = problem === undefined ? 'valid' : `INVALID: ${problem}`
  return {
    subject,
    backfill,
    verdict: problem === undefined ? 'valid' : 'invalid',
    bucket,
    key,
    text: `${lead}${SUBJECTS[subject]}\ts3://${bucket}/${key}\t${verdict}`,
  }
}

/** Ours: only a downloaded folder lacks the metadata, and then only for the end of a chain. */
export const unverifiedFinding = (
  place: { readonly bucket: string; readonly key: string },
  backfill: boolean,
): Finding => ({
  subject: 'digest',
  backfill,
  verdict: 'unverified',
  bucket: place.bucket,
  key: place.key,
  text: `${backfill ? '(backfill) ' : ''}Digest file\ts3://${place.bucket}/${place.key}\tnot verified: its signature is in object metadata that this folder does not have`,
})

/** A chain that ended and one that began: not a failure. */
export const gapFinding = (from: number, to: number, backfill: boolean): Finding => ({
  subject: 'chain',
  backfill,
  verdict: 'gap',
  text: `${backfill ? '(backfill) ' : ''}No log files were delivered by CloudTrail between ${isoSeconds(from)} and ${isoSeconds(to)}`,
})

/** Ours: what the chain as a whole lacks. */
export const chainFinding = (
  target: Pick<VerifyTarget, 'trailName' | 'region'>,
  text: string,
): Finding => ({
  subject: 'chain',
  backfill: false,
  verdict: 'invalid',
  text: `Digest chain\t${target.trailName} in ${target.region}\tINVALID: ${text}`,
})
