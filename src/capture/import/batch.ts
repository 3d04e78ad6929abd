/** New events on their way into the journal: grouped by shard, encoded, and noted for the store. */
import { createHash } from 'node:crypto'
import type { EventOrigin, SealedEvent } from '../../event/sealed-event.ts'
import { encodeFrame } from '../../journal/frame-codec.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import { groupEvents } from '../../journal/recording/group-events.ts'
import { shardOf } from '../../journal/shard.ts'
import type { ImportedEvent } from './read-event.ts'
import { FINGERPRINT_BYTES } from './repeats/fingerprint.ts'
import type { FrameNote } from './repeats/import-store.ts'
import { HOUR_MS } from './repeats/repeat-index.ts'

/** A batch is closed behind the piece of a file that reaches one of these: a few frames a shard. */
export const BATCH_BYTES = 4 * 1024 * 1024
export const BATCH_EVENTS = 4096

export interface NewEvent extends ImportedEvent {
  readonly fingerprint: Buffer
}

export interface EncodedFrame {
  readonly shard: Shard
  readonly bytes: Buffer
  readonly note: FrameNote
}

/** Accounts and regions are few: their shards are remembered. */
export const createShardOf = (count: number): ((account: string, region: string) => Shard) => {
  const known = new Map<string, Map<string, Shard>>()
  if (count === 1) return () => 0
  return (account, region) => {
    let regions = known.get(account)
    if (regions === undefined) {
      regions = new Map()
      known.set(account, regions)
    }
    let shard = regions.get(region)
    if (shard === undefined) {
      shard = shardOf(account, region, count)
      regions.set(region, shard)
    }
    return shard
  }
}

const hoursOf = (events: readonly NewEvent[]): Map<number, Buffer> => {
  const byHour = Map.groupBy(events, ({ time }) => Math.floor(time / HOUR_MS))
  return new Map(
    [...byHour].map(([hour, some]) => {
      const all = Buffer.allocUnsafe(some.length * FINGERPRINT_BYTES)
      for (const [index, { fingerprint }] of some.entries()) {
        fingerprint.copy(all, index * FINGERPRINT_BYTES)
      }
      return [hour, all]
    }),
  )
}

export const encodeBatch = (
  events: readonly NewEvent[],
  context: {
    readonly origin: EventOrigin
    readonly shardOf: (account: string, region: string) => Shard
    /** The highest sequence that is known of a shard. */
    readonly headOf: (shard: Shard) => Sequence
  },
): EncodedFrame[] => {
  const { origin } = context
  const byShard = Map.groupBy(events, ({ account, region }) => context.shardOf(account, region))
  return [...byShard].flatMap(([shard, some]) =>
    groupEvents(some).map((group): EncodedFrame => {
      const sealed = group.map(
        ({ text, eventId, account, region, category }): SealedEvent => ({
          text,
          eventId,
          account,
          region,
          category,
          origin,
        }),
      )
      const bytes = encodeFrame({ kind: 'events', events: sealed })
      const digest = createHash('sha256').update(bytes).digest('hex')
      const note = { shard, head: context.headOf(shard), digest, events: group.length }
      return { shard, bytes, note: { ...note, hours: hoursOf(group) } }
    }),
  )
}
