/**
 * Walks a chain of digests from the newest to the oldest, as `aws cloudtrail validate-logs` does
 * (reference/formats.md §4.7), and checks what it does not: that every link's hash and signature
 * are those of the digest it names, digests that no other one links to, and what is missing at the
 * newest end.
 */
import { isoSeconds } from '../platform/clock.ts'
import { type DigestScope, digestKey, digestPrefix } from './digest.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import type { ParsedDigest } from './parse-digest.ts'
import {
  chainFinding,
  type FetchedObject,
  type Finding,
  gapFinding,
  type ListedKey,
  objectFinding,
  PROBLEMS,
  unverifiedFinding,
  type VerifyAccess,
  type VerifySummary,
  type VerifyTarget,
} from './verification.ts'
import { checkDigest, checkLogFile, type DigestPlace, isBackfillKey } from './verify-objects.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** How far the store's clock and the trail's may be apart. */
export const DELIVERY_TOLERANCE_MS = 10_000
/** Digests whose log files are being checked while the walk goes on. */
const DIGESTS_AHEAD = 32

export interface VerifyOptions {
  readonly report: (finding: Finding) => void
  /** Objects that are read at the same time. */
  readonly concurrency: number
  /** Told how many digests there are, once they are listed. */
  readonly listed?: (digests: number) => void
}

interface Range {
  readonly standard: ListedKey[]
  readonly backfill: ListedKey[]
}

/** `20260302T081520Z` out of a key, at the fixed places of the format; undefined where it is not. */
const keyTime = (key: string): number | undefined => {
  const text = isBackfillKey(key) ? key.slice(-33, -17) : key.slice(-24, -8)
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

const listRange = async (
  target: VerifyTarget,
  access: VerifyAccess,
  bucket: string,
): Promise<Range> => {
  const { account, region, trailName, homeRegion, prefix, organizationId } = target
  const owner = organizationId === undefined ? account : `${organizationId}/${account}`
  const place = digestPrefix(prefix, owner, region)
  const scope: DigestScope = { account, region, trailName, homeRegion, bucket }
  // The CLI starts a minute early, so that the first second counts.
  const marker = digestKey(scope, target.start - MINUTE_MS)
  const after = `${place}${marker.slice(digestPrefix(undefined, account, region).length)}`
  const name = `${account}_CloudTrail-Digest_${region}_${trailName}_${homeRegion}_`
  const pattern = new RegExp(
    `^${escaped(place)}/\\d+/\\d+/\\d+/${escaped(name)}\\d{8}T\\d{6}Z(_backfill)?\\.json\\.gz$`,
  )
  const range: Range = { standard: [], backfill: [] }
  let isPastEnd = false
  for await (const listed of access.list(bucket, `${place}/`, after)) {
    const time = pattern.test(listed.key) ? keyTime(listed.key) : undefined
    if (time === undefined || time < target.start) continue
    const isBackfill = isBackfillKey(listed.key)
    // Files of the last minutes may be in the digest after the end.
    if (time > target.end + HOUR_MS) {
      // Without metadata the next digest is needed too: it has the signature of the last one.
      if (access.metadataKept || isPastEnd || isBackfill) continue
      isPastEnd = true
    }
    ;(isBackfill ? range.backfill : range.standard).push(listed)
  }
  return range
}

class ChainWalk {
  readonly #target: VerifyTarget
  readonly #access: VerifyAccess
  readonly #report: (finding: Finding) => void
  readonly #listedCount: (digests: number) => void
  readonly #limit: Limiter
  readonly #ahead: number
  readonly #visited = new Set<string>()
  /** By bucket: a trail may have moved to another one. */
  readonly #ranges = new Map<string, Range>()
  readonly #fetched = new Map<string, Promise<FetchedObject | undefined>>()
  /** Findings in order; the log files of a digest follow it. */
  readonly #pending: Promise<Finding>[][] = []
  readonly #counts = {
    digests: { valid: 0, invalid: 0 },
    backfillDigests: { valid: 0, invalid: 0 },
    logs: { valid: 0, invalid: 0 },
  }
  #unverified = 0
  #chainProblems = 0
  #foundStart: number | undefined
  #foundEnd: number | undefined
  #newestEnd: number | undefined

  constructor(target: VerifyTarget, access: VerifyAccess, options: VerifyOptions) {
    this.#target = target
    this.#access = access
    this.#report = options.report
    this.#listedCount = options.listed ?? (() => {})
    this.#limit = createLimiter(options.concurrency)
    this.#ahead = options.concurrency
  }

  async run(): Promise<VerifySummary> {
    const { head, bucket } = this.#target
    const { standard, backfill } = await this.#rangeOf(bucket)
    this.#listedCount(standard.length + backfill.length)
    if (head !== undefined) await this.#walk(head, false)
    // Buckets that the walk comes to are added to the map while it is iterated.
    for (const name of this.#names()) await this.#walkListed(name, false)
    for (const name of this.#names()) await this.#walkListed(name, true)
    await this.#drain(0)
    this.#expectNewest(standard)
    const found =
      this.#foundStart === undefined || this.#foundEnd === undefined
        ? {}
        : { foundStart: this.#foundStart, foundEnd: this.#foundEnd }
    const unverified = this.#unverified
    return { ...this.#counts, unverified, chainProblems: this.#chainProblems, ...found }
  }

  #names(): Iterable<string> {
    return this.#ranges.keys()
  }

  async #rangeOf(bucket: string): Promise<Range> {
    const known = this.#ranges.get(bucket)
    if (known !== undefined) return known
    const listing = listRange(this.#target, this.#access, bucket)
    // Only the trail's own bucket must be readable; what lies in an earlier one is found by links.
    const range =
      bucket === this.#target.bucket
        ? await listing
        : await listing.catch((): Range => ({ standard: [], backfill: [] }))
    this.#ranges.set(bucket, range)
    return range
  }

  async #listed(bucket: string, backfill: boolean): Promise<ListedKey[]> {
    const range = await this.#rangeOf(bucket)
    return backfill ? range.backfill : range.standard
  }

  /** From the newest on; then from every digest that the walk did not come to. */
  async #walkListed(bucket: string, backfill: boolean): Promise<void> {
    for (const { key } of (await this.#listed(bucket, backfill)).toReversed()) {
      if (!this.#visited.has(`${bucket}/${key}`)) await this.#walk({ bucket, key }, backfill)
    }
  }

  async #walk(from: DigestPlace, backfill: boolean): Promise<void> {
    let place: DigestPlace | undefined = from
    let lastStart = keyTime(from.key) ?? this.#target.end
    /** The start of the digest behind which one is missing or broken. */
    let brokenAt: number | undefined
    while (place !== undefined && this.#target.start <= lastStart) {
      if (this.#visited.has(`${place.bucket}/${place.key}`)) return
      const listed: ListedKey[] = await this.#listed(place.bucket, backfill)
      const digest: ParsedDigest | undefined = await this.#visit(place, listed, backfill)
      if (digest !== undefined && brokenAt !== undefined) this.#hole(digest.end, brokenAt)
      brokenAt = digest === undefined ? (brokenAt ?? lastStart) : undefined
      lastStart = digest?.start ?? lastStart
      place = this.#next(place, digest, lastStart, listed, backfill)
    }
  }

  #next(
    place: DigestPlace,
    digest: ParsedDigest | undefined,
    lastStart: number,
    listed: readonly ListedKey[],
    backfill: boolean,
  ): DigestPlace | undefined {
    if (digest?.previous !== undefined) {
      const { bucket, key, hash } = digest.previous
      return { bucket, key, link: { signature: digest.previousSignature ?? '', hash } }
    }
    const { bucket } = place
    const before = keyTime(place.key) ?? lastStart
    const older = listed.findLast(({ key }) => {
      const time = keyTime(key)
      return time !== undefined && time < before && !this.#visited.has(`${bucket}/${key}`)
    })
    if (older === undefined) return undefined
    if (digest !== undefined) {
      this.#say([Promise.resolve(gapFinding(keyTime(older.key) ?? 0, lastStart, backfill))])
    }
    return { bucket, key: older.key }
  }

  /** Checks a digest and, when it is valid, starts the checks of its log files. */
  async #visit(
    place: DigestPlace,
    listed: readonly ListedKey[],
    backfill: boolean,
  ): Promise<ParsedDigest | undefined> {
    this.#visited.add(`${place.bucket}/${place.key}`)
    const loaded = this.#load(place, listed)
    const checked = await checkDigest(this.#access, this.#target, place, loaded)
    if (checked.kind === 'invalid') {
      this.#say([Promise.resolve(objectFinding('digest', place, backfill, checked.problem))])
      return undefined
    }
    const { digest } = checked
    if (checked.kind === 'unverified') {
      // Behind the requested end it only lends the signature of the digest before it.
      const isAsked = digest.start < this.#target.end
      if (isAsked) this.#say([Promise.resolve(unverifiedFinding(place, backfill))])
      return digest
    }
    const { start, end } = this.#target
    if (digest.start >= end && (keyTime(place.key) ?? start) > end + HOUR_MS) return digest
    const finding = Promise.resolve(objectFinding('digest', place, backfill, undefined))
    this.#cover(digest, backfill)
    const logs = digest.logFiles.map((file) =>
      this.#limit(async () =>
        objectFinding('log', file, backfill, await checkLogFile(this.#access, file)),
      ),
    )
    this.#say([finding, ...logs])
    await this.#drain(DIGESTS_AHEAD)
    return digest
  }

  /** Reads the digests that are probably next at the same time. */
  #load(place: DigestPlace, listed: readonly ListedKey[]): Promise<FetchedObject | undefined> {
    const at = listed.findLastIndex(({ key }) => key === place.key)
    const { bucket } = place
    const next = at < 0 ? [] : listed.slice(Math.max(0, at - this.#ahead), at)
    for (const { key } of next) void this.#fetch(bucket, key)
    const id = `${place.bucket}/${place.key}`
    const loaded = this.#fetch(place.bucket, place.key)
    this.#fetched.delete(id)
    return loaded
  }

  #fetch(bucket: string, key: string): Promise<FetchedObject | undefined> {
    const id = `${bucket}/${key}`
    const known = this.#fetched.get(id)
    if (known !== undefined) return known
    const loading = this.#limit(() => this.#access.fetch(bucket, key))
    // Whoever takes the promise sees the error; until then it must not count as unhandled.
    loading.catch(() => {})
    if (!this.#visited.has(id)) this.#fetched.set(id, loading)
    return loading
  }

  #cover(digest: ParsedDigest, backfill: boolean): void {
    const start = Math.max(digest.start, this.#target.start)
    const end = Math.min(digest.end, this.#target.end)
    this.#foundStart = Math.min(this.#foundStart ?? start, start)
    this.#foundEnd = Math.max(this.#foundEnd ?? end, end)
    if (!backfill) this.#newestEnd = Math.max(this.#newestEnd ?? digest.end, digest.end)
  }

  /** Between the digest where the walk went on and the broken one more may be gone. */
  #hole(from: number, to: number): void {
    const text = `no valid digest between ${isoSeconds(from)} and ${isoSeconds(to)}, where the chain goes on`
    if (from < to) this.#say([Promise.resolve(chainFinding(this.#target, text))])
  }

  #expectNewest(listed: readonly ListedKey[]): void {
    const { expectUntil, expectDelivered } = this.#target
    const newest = this.#newestEnd
    const found =
      newest === undefined
        ? 'no valid digest was found'
        : `the newest valid digest ends at ${isoSeconds(newest)}`
    if (expectUntil !== undefined && (newest ?? Number.NEGATIVE_INFINITY) < expectUntil) {
      this.#tell(
        chainFinding(this.#target, `${found}, expected one until ${isoSeconds(expectUntil)}`),
      )
    }
    if (expectDelivered === undefined) return
    const times = listed.flatMap(({ lastModified }) => lastModified ?? [])
    if (times.some((time) => time >= expectDelivered - DELIVERY_TOLERANCE_MS)) return
    const text = `the trail delivered a digest at ${isoSeconds(expectDelivered)}, which is ${PROBLEMS.missing}`
    this.#tell(chainFinding(this.#target, text))
  }

  #say(findings: Promise<Finding>[]): void {
    this.#pending.push(findings)
  }

  async #drain(kept: number): Promise<void> {
    while (this.#pending.length > kept) {
      for (const finding of this.#pending.shift() ?? []) this.#tell(await finding)
    }
  }

  #tell(finding: Finding): void {
    const { subject, verdict, backfill } = finding
    if (subject === 'chain') {
      if (verdict === 'invalid') this.#chainProblems++
    } else if (verdict === 'unverified') {
      this.#unverified++
    } else if (verdict !== 'gap') {
      const digests = backfill ? 'backfillDigests' : 'digests'
      this.#counts[subject === 'digest' ? digests : 'logs'][verdict]++
    }
    this.#report(finding)
  }
}

/** Rejects only when the bucket cannot be listed. Findings are reported in the order of the walk. */
export const verifyChain = (
  target: VerifyTarget,
  access: VerifyAccess,
  options: VerifyOptions,
): Promise<VerifySummary> => new ChainWalk(target, access, options).run()
