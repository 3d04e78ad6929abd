/**
 * After a crash: intents without an outcome become events (DESIGN.md §4, "Intents"). The search
 * starts at a checkpoint that runs along behind the journal, so that it stays short however long the
 * journal is.
 */

import type { Documents } from '../../documents/documents.ts'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Intent } from '../frame.ts'
import { decodeFrame, readFrameIndex } from '../frame-codec.ts'
import type { JournalReader, Sequence, Shard } from '../journal.ts'
import type { EventRecorder } from '../recorder.ts'
import { scanFrames } from '../scan.ts'
import type { Spool } from '../spool/spool.ts'
import { markIncomplete } from './capture-incomplete.ts'
import type { IntentTracker } from './intent-tracker.ts'

/** How often the checkpoints follow the journal: so much of it is searched after a crash. */
export const CHECKPOINT_INTERVAL_MS = 5_000

interface Checkpoint {
  /** No frame below holds an intent without an outcome. */
  readonly from: Sequence
}

const keyOf = (shard: Shard): string => `journal/intents/${shard}`

export interface RecoverIntentsOptions {
  readonly journal: JournalReader
  readonly documents: Documents
  readonly recorder: EventRecorder
  readonly tracker: IntentTracker
  readonly spool: Spool
  readonly logger: Logger
}

/** Intents of a shard without an event behind them, and up to where was looked. */
const findOpen = async (
  { journal, documents }: RecoverIntentsOptions,
  shard: Shard,
): Promise<{ open: Map<string, { intent: Intent; sequence: Sequence }>; head: Sequence }> => {
  const open = new Map<string, { intent: Intent; sequence: Sequence }>()
  const checkpoint = await documents.get<Checkpoint>(keyOf(shard))
  const { next } = await journal.range(shard)
  for await (const { sequence, bytes } of scanFrames(
    journal,
    shard,
    checkpoint?.value.from ?? 1,
    next,
  )) {
    const index = readFrameIndex(bytes)
    if (index.kind === 'events' && open.size > 0) {
      for (const { eventId } of index.entries) open.delete(eventId)
    }
    if (index.kind !== 'intents') continue
    const frame = decodeFrame(bytes)
    if (frame.kind !== 'intents') continue
    for (const intent of frame.intents) open.set(intent.eventId, { intent, sequence })
  }
  return { open, head: next - 1 }
}

const eventOf = (intent: Intent): SealedEvent => ({
  ...intent,
  text: markIncomplete(intent.text),
  origin: { kind: 'capture' },
})

/**
 * Appends one event, marked `captureIncomplete` and with the intent's own id, for every intent
 * without an outcome. Call it once at the start, after the spool was drained and before anything
 * else is recorded; an outcome that still waits in the spool counts. Safe to repeat after a crash.
 * Returns how many events were appended.
 */
export const recoverIntents = async (options: RecoverIntentsOptions): Promise<number> => {
  const { journal, recorder, tracker, spool, logger } = options
  let recovered = 0
  for (const shard of journal.shards) {
    const { open, head } = await findOpen(options, shard)
    for (const [eventId, { sequence }] of open) tracker.opened(shard, sequence, [eventId])
    tracker.reached(shard, head)
    for await (const entry of spool.entries()) {
      if (open.size === 0) break
      for (const { eventId } of readFrameIndex(entry.frame).entries) open.delete(eventId)
    }
    const events = [...open.values()].map(({ intent }) => eventOf(intent))
    if (events.length > 0) await recorder.record(events)
    for (const { eventId, account, region } of events) {
      logger.warn(
        { eventId, account, region },
        'A call was cut off by a crash: its outcome is unknown.',
      )
    }
    recovered += events.length
  }
  return recovered
}

/** Writes the checkpoints every few seconds and at the end. */
export const startIntentCheckpoints = (options: {
  documents: Documents
  tracker: IntentTracker
  shards: readonly Shard[]
  logger: Logger
}): AsyncDisposable => {
  const { documents, tracker, shards, logger } = options
  const written = new Map<Shard, Sequence>()
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    for (const shard of shards) {
      const from = tracker.lowestUnresolved(shard)
      if (written.get(shard) === from) continue
      try {
        await documents.put(keyOf(shard), { from } satisfies Checkpoint, 'any')
        written.set(shard, from)
      } catch (error) {
        // An older checkpoint is as right as a newer one; it only makes the next start slower.
        logger.warn({ shard, error: messageOf(error) }, 'Cannot write the checkpoint of intents.')
      }
    }
  }
  const timer = setInterval(() => {
    writing = writing.then(write)
  }, CHECKPOINT_INTERVAL_MS)
  timer.unref()
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await writing
      await write()
    },
  }
}
