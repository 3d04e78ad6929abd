/**
 * Moves the spool into the journal: each event once. An event whose append had an unknown outcome may
 * be in the journal already, and so may the batch that was under way when an earlier drain was cut
 * off; both lie behind the sequence that the spool noted, so one scan from the lowest note on finds
 * them (docs/decisions/0011-spool-scan.md).
 */
import { hash } from 'node:crypto'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { uuid } from '../../platform/ids.ts'
import type { Logger } from '../../platform/logger.ts'
import { decodeFrame, encodeFrame, readFrameIndex } from '../frame-codec.ts'
import type { JournalAppender, JournalReader, Sequence, Shard } from '../journal.ts'
import { groupEvents } from '../recording/group-events.ts'
import { scanFrames } from '../scan.ts'
import { createHashSet, type HashSet, shortHash } from './hash-set.ts'
import type { Spool, SpoolEntry } from './spool.ts'

/** Spooled frames that are taken in one step; the texts of their events are in memory. */
const BATCH_ENTRIES = 64
const BATCH_BYTES = 8 * 1024 * 1024

export interface DrainOptions {
  readonly spool: Spool
  readonly journal: JournalReader & JournalAppender
  readonly logger: Logger
  /** Called with the ids of events that are now durable in the journal. */
  readonly appended?: (eventIds: readonly string[]) => void
}

const identityOf = (event: { eventId: string; text: Buffer }): string =>
  `${event.eventId} ${hash('sha256', event.text, 'base64')}`

interface Survey {
  /** Hashes of the event ids that wait. */
  readonly ids: HashSet
  /** The lowest note of each shard. */
  readonly from: Map<Shard, Sequence>
}

const surveySpool = async (spool: Spool): Promise<Survey> => {
  const ids = createHashSet()
  const from = new Map<Shard, Sequence>()
  for await (const entry of spool.entries()) {
    from.set(entry.shard, Math.min(entry.from, from.get(entry.shard) ?? entry.from))
    for (const { eventId } of readFrameIndex(entry.frame).entries) ids.add(shortHash(eventId))
  }
  ids.seal()
  return { ids, from }
}

/** Identities of waiting events that the journal holds. */
const findPresent = async (journal: JournalReader, survey: Survey): Promise<Set<string>> => {
  const present = new Set<string>()
  for (const [shard, from] of survey.from) {
    const { next } = await journal.range(shard)
    for await (const { bytes } of scanFrames(journal, shard, from, next)) {
      const { kind, entries } = readFrameIndex(bytes)
      if (kind !== 'events') continue
      if (!entries.some(({ eventId }) => survey.ids.has(shortHash(eventId)))) continue
      const frame = decodeFrame(bytes)
      if (frame.kind !== 'events') continue
      for (const event of frame.events) {
        if (survey.ids.has(shortHash(event.eventId))) present.add(identityOf(event))
      }
    }
  }
  return present
}

async function* batchesOf(spool: Spool): AsyncGenerator<SpoolEntry[]> {
  let batch: SpoolEntry[] = []
  let bytes = 0
  for await (const entry of spool.entries()) {
    batch.push(entry)
    bytes += entry.frame.length
    if (batch.length < BATCH_ENTRIES && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/**
 * Drains what waits now. Rejects with the journal's error where it still takes nothing (`full`,
 * `closed`); a later call goes on where this one ended. One call at a time. Returns how many events
 * were appended, and how many were there already.
 */
export const drainSpool = async (
  options: DrainOptions,
): Promise<{ appended: number; dropped: number }> => {
  const { spool, journal, logger } = options
  const counts = { appended: 0, dropped: 0 }
  if (spool.waiting === 0) return counts
  const survey = await surveySpool(spool)
  const present = await findPresent(journal, survey)

  const isNew = (event: SealedEvent): boolean => {
    const identity = identityOf(event)
    if (present.has(identity)) return false
    // Only ids that wait more than once need to be remembered: the memory stays small.
    if (survey.ids.isRepeated(shortHash(event.eventId))) present.add(identity)
    return true
  }

  for await (const batch of batchesOf(spool)) {
    const byShard = new Map<Shard, SealedEvent[]>()
    for (const { shard, frame: bytes } of batch) {
      const frame = decodeFrame(bytes)
      const events = frame.kind === 'events' ? frame.events : []
      const fresh = events.filter(isNew)
      counts.dropped += events.length - fresh.length
      byShard.set(shard, [...(byShard.get(shard) ?? []), ...fresh])
    }
    const appends = [...byShard].flatMap(([shard, events]) =>
      groupEvents(events).map(async (group) => {
        await journal.append(shard, encodeFrame({ kind: 'events', events: group }), uuid())
        counts.appended += group.length
        options.appended?.(group.map((event) => event.eventId))
      }),
    )
    await settleAll(appends)
    await spool.drained(batch.at(-1)?.position ?? 0)
  }
  logger.info(counts, 'The spool was drained into the journal.')
  return counts
}

/** Waits for all, then throws the first error: nothing is under way when the caller goes on. */
const settleAll = async (all: readonly Promise<void>[]): Promise<void> => {
  const results = await Promise.allSettled(all)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
