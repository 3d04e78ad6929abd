/**
 * The events of one (trail incarnation, shard, account, region, folder) on their way into log files: the
 * open window, and after a restart the plans whose events come again.
 */
import type { Sequence, Shard } from '../../../journal/journal.ts'
import type { Trail } from '../../trail.ts'
import { type Address, isAfter, type Plan } from '../chain-state.ts'
import type { LogFileBuilder } from './log-file.ts'
import { type LogFolder, logFileKey, nameTime, uniquePart } from './object-key.ts'
import type { RecentIds } from './recent-ids.ts'

/** A file that is being filled. */
export interface Window {
  readonly trail: Trail
  readonly builder: LogFileBuilder
  readonly slot: number
  readonly first: Address
  last: Address
  oldest: string | null
  newest: string | null
  /** Ids of Clew's own delivery events in it. */
  readonly deliveries: string[]
  /** Every event so far was imported. */
  imported: boolean
}

/** A plan of before the restart, filled again from the journal. */
export interface Replay {
  readonly plan: Plan
  readonly builder: LogFileBuilder
}

/** What a shard keeps of a stream while it runs. */
export interface OpenStream {
  /** Of the chain document. */
  readonly chain: string
  readonly trailArn: string
  /** Of the events: an import brings others than the trail's. */
  readonly account: string
  readonly region: string
  readonly folder: LogFolder
  /** Every event up to here is planned or delivered. */
  through: Address
  /** Every event up to here was taken by this process: a repeated `consume` adds nothing. */
  seen: Address
  readonly replays: Replay[]
  /** Clew's own delivery events in it: after a crash they may come twice. */
  readonly recent: RecentIds
  window: Window | undefined
}

export const NOWHERE: Address = { sequence: 0, index: -1 }

export const contains = (plan: Plan, address: Address): boolean =>
  !isAfter(plan.first, address) && !isAfter(address, plan.last)

const earlier = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && b < a) ? b : a

const later = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && b > a) ? b : a

export const addToWindow = (
  window: Window,
  text: Buffer,
  address: Address,
  eventTime: string | null,
): void => {
  window.builder.add(text)
  window.last = address
  window.oldest = earlier(window.oldest, eventTime)
  window.newest = later(window.newest, eventTime)
}

/** The sequence that the cursor must stay in front of. */
export const firstHeld = (stream: OpenStream): Sequence =>
  Math.min(
    stream.window?.first.sequence ?? Number.POSITIVE_INFINITY,
    ...stream.replays.map(({ plan }) => plan.first.sequence),
  )

/** Seals the window and fixes its file's name and content. */
export const planOf = (
  stream: OpenStream,
  window: Window,
  facts: { readonly shard: Shard; readonly intervalMs: number; readonly now: number },
): Plan => {
  const { trail, builder, first, last, slot } = window
  const { sha256, bytes } = builder.seal()
  const { account, region, folder } = stream
  const scope = { trailArn: trail.arn, account, region, folder, shard: facts.shard, first, last }
  const id = uniquePart(scope)
  return {
    ...scope,
    id,
    incarnation: trail.incarnation,
    revision: trail.revision,
    slot,
    bucket: trail.s3BucketName,
    key: logFileKey(trail.s3KeyPrefix, scope, nameTime(slot, facts.intervalMs), id),
    count: builder.events,
    bytes,
    sha256,
    oldestEventTime: window.oldest,
    newestEventTime: window.newest,
    validated: trail.logFileValidationEnabled,
    plannedAt: facts.now,
    compression: builder.compression,
  }
}
