/**
 * Document `delivery/chains/<trail arn>/<region>`, with `/<account>` behind it where an import
 * brought another account than the trail's: everything that must change together when a log
 * file or a digest of one trail and region is delivered. One compare-and-set plans a file, one
 * records it, one makes a digest; so a crash at any point leaves a state that is continued, never
 * guessed. The functions are pure: they take the document and return its successor.
 */
import type { DigestedFile, DigestLink } from '../../integrity/digest.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import type { LogFolder } from './files/object-key.ts'

/** The account that a trail belongs to: the fifth part of its ARN. */
export const accountOfTrail = (trailArn: string): string => trailArn.split(':')[4] ?? ''

/** The place of an event in its shard. */
export interface Address {
  readonly sequence: Sequence
  readonly index: number
}

export const isAfter = (a: Address, b: Address): boolean =>
  a.sequence > b.sequence || (a.sequence === b.sequence && a.index > b.index)

/** How a file was compressed: with the same text it gives the same bytes again. */
export interface Compression {
  /** Uncompressed bytes of a chunk. */
  readonly chunkBytes: number
  /** The gzip level of every chunk, a digit each. */
  readonly levels: string
}

/** A log file whose content and name are decided; executing it again gives the same object. */
export interface Plan {
  /** The unique part of the key. */
  readonly id: string
  readonly trailArn: string
  readonly incarnation: string
  /** Of the trail as it was when these events were selected. */
  readonly revision: number
  readonly shard: Shard
  readonly account: string
  readonly region: string
  readonly folder: LogFolder
  /** The addresses of its first and last event; between them the stream has no other file. */
  readonly first: Address
  readonly last: Address
  readonly slot: number
  readonly bucket: string
  readonly key: string
  readonly count: number
  /** Uncompressed. */
  readonly bytes: number
  /** Hex, of the uncompressed bytes. */
  readonly sha256: string
  readonly oldestEventTime: string | null
  readonly newestEventTime: string | null
  /** The trail had log file validation on: the file belongs into a digest. */
  readonly validated: boolean
  /** Epoch milliseconds. */
  readonly plannedAt: number
  /** Absent in plans of version 0.1: level 6, chunks of 256 KiB. */
  readonly compression?: Compression
}

/** One run of log files: (incarnation, shard, folder) of this trail and region. */
export interface Stream {
  /** Every event up to here is in a plan or in a delivered or parked file. */
  readonly through: Address
  /** Not yet delivered nor parked, in order. */
  readonly plans: readonly Plan[]
  /** Latest events of Clew's own deliveries in it: they may come twice after a crash. */
  readonly deliveries?: readonly string[]
}

/** What a digest chain knows of its trail. */
export interface ChainTrail {
  readonly arn: string
  readonly name: string
  readonly account: string
  readonly homeRegion: string
  readonly incarnation: string
  readonly bucket: string
  readonly prefix?: string
  /** Origin of the hourly grid. Epoch milliseconds. */
  readonly startLoggingTime: number
}

export interface Chain {
  readonly trail: ChainTrail
  /** `ending`: the final digest waits for the last files; `ended`: it is made. */
  readonly phase: 'open' | 'ending' | 'ended'
  readonly previous: DigestLink
}

/** What a verifier must find in the bucket. */
export interface ChainHead {
  readonly bucket: string
  readonly key: string
  /** Epoch milliseconds. */
  readonly end: number
}

export interface ChainDocument {
  readonly version: 1
  readonly trailArn: string
  readonly account: string
  readonly region: string
  /** By `streamId`. */
  readonly streams: Readonly<Record<string, Stream>>
  /** Files put and recorded since the last digest, in that order. */
  readonly files: readonly DigestedFile[]
  /** Parked files that were delivered and recorded, but may still lie in the pending folder. */
  readonly settled: readonly string[]
  /** Sequence of the last trail change that the chain has followed, in its own shard. */
  readonly control: Sequence
  /** digestEndTime of the last digest of this trail name and region, ever. Epoch milliseconds. */
  readonly highWater: number
  /** Digests made, ever; the number of the next one. */
  readonly digests: number
  readonly chain?: Chain
  /** The newest digest that was delivered. */
  readonly head?: ChainHead
  /**
   * Every log file of this account and region was imported: without a new file there is no digest
   * (docs/formats/digest.md).
   */
  readonly importOnly?: true
}

/** Does the pair get a digest of an hour in which nothing was delivered? */
export const digestsIdleHours = (document: ChainDocument): boolean => {
  const { account, region, trailArn, importOnly, chain } = document
  if (account !== accountOfTrail(trailArn)) return false
  return importOnly !== true || region === chain?.trail.homeRegion
}

export const newChainDocument = (
  trailArn: string,
  account: string,
  region: string,
): ChainDocument => ({
  version: 1,
  trailArn,
  account,
  region,
  streams: {},
  files: [],
  settled: [],
  control: 0,
  highWater: 0,
  digests: 0,
})

export const streamId = (scope: Pick<Plan, 'incarnation' | 'shard' | 'folder'>): string =>
  `${scope.incarnation}/${scope.shard}/${scope.folder}`

/** Own delivery events remembered per stream. */
const DELIVERIES_KEPT = 64

/**
 * Streams of earlier trails of the name that no replay can come to any more: all of them lies at or
 * below `floor`, the cursor that the shard was started with.
 */
const isFinished = (id: string, stream: Stream, plan: Plan, floor: Sequence): boolean =>
  !id.startsWith(`${plan.incarnation}/`) &&
  id.split('/')[1] === String(plan.shard) &&
  stream.plans.length === 0 &&
  stream.through.sequence <= floor

/** What a plan's window says of its events. */
export interface PlannedContent {
  /** Ids of Clew's own deliveries among them. */
  readonly deliveries?: readonly string[]
  /** All of them were imported. */
  readonly imported?: boolean
}

export const withPlan = (
  document: ChainDocument,
  plan: Plan,
  floor: Sequence,
  { deliveries = [], imported = false }: PlannedContent = {},
): ChainDocument => {
  const id = streamId(plan)
  const { importOnly, ...others } = document
  const isNew = document.chain === undefined && Object.keys(document.streams).length === 0
  const onlyImported = imported && (importOnly === true || isNew)
  const kept = Object.entries(document.streams).filter(
    ([other, stream]) => !isFinished(other, stream, plan, floor),
  )
  const before = document.streams[id]
  const known = [...(before?.deliveries ?? []), ...deliveries].slice(-DELIVERIES_KEPT)
  const plans = [...(before?.plans ?? []).filter((other) => other.id !== plan.id), plan]
  const through = before?.through ?? plan.last
  const stream: Stream = {
    through: isAfter(through, plan.last) ? through : plan.last,
    plans: plans.sort((a, b) => (isAfter(a.first, b.first) ? 1 : -1)),
    ...(known.length === 0 ? {} : { deliveries: known }),
  }
  return {
    ...others,
    ...(onlyImported ? { importOnly: true } : {}),
    streams: { ...Object.fromEntries(kept), [id]: stream },
  }
}

const withoutPlan = (document: ChainDocument, plan: Plan): ChainDocument => {
  const id = streamId(plan)
  const stream = document.streams[id]
  if (stream === undefined) return document
  const plans = stream.plans.filter((other) => other.id !== plan.id)
  return { ...document, streams: { ...document.streams, [id]: { ...stream, plans } } }
}

const isPlanned = (document: ChainDocument, plan: Plan): boolean =>
  document.streams[streamId(plan)]?.plans.some((other) => other.id === plan.id) ?? false

const digested = (plan: Plan): DigestedFile => ({
  bucket: plan.bucket,
  key: plan.key,
  sha256: plan.sha256,
  newestEventTime: plan.newestEventTime,
  oldestEventTime: plan.oldestEventTime,
})

const withFile = (document: ChainDocument, plan: Plan): ChainDocument =>
  plan.validated ? { ...document, files: [...document.files, digested(plan)] } : document

/** The file is in the bucket. */
export const withDelivered = (document: ChainDocument, plan: Plan): ChainDocument =>
  isPlanned(document, plan) ? withFile(withoutPlan(document, plan), plan) : document

/** The file is in the pending folder, durably. */
export const withParked = (document: ChainDocument, plan: Plan): ChainDocument =>
  withoutPlan(document, plan)

/** A parked file is in the bucket; its id stays until the pending folder has let it go. */
export const withSettled = (document: ChainDocument, plan: Plan): ChainDocument =>
  document.settled.includes(plan.id)
    ? document
    : withFile({ ...document, settled: [...document.settled, plan.id] }, plan)

export const withoutSettled = (document: ChainDocument, id: string): ChainDocument => ({
  ...document,
  settled: document.settled.filter((other) => other !== id),
})
