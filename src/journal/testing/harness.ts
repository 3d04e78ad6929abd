/** Journal, spool, recorder on the disk in memory, and events to record, for the tests. */
import { randomUUID } from 'node:crypto'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { JournalFiles } from '../files/journal-files.ts'
import type { Frame } from '../frame.ts'
import { decodeFrame } from '../frame-codec.ts'
import { createIntentTracker, type IntentTracker } from '../intents/intent-tracker.ts'
import type { Journal, JournalReader, Shard } from '../journal.ts'
import type { EventRecorder } from '../recorder.ts'
import { scanFrames } from '../scan.ts'
import { openSegmentJournal, type SegmentJournal } from '../segment-journal.ts'
import { createRecorder } from '../segment-recorder.ts'
import { shardOf } from '../shard.ts'
import { openSpool, type Spool } from '../spool/spool.ts'

export const master = masterKeyOf(Buffer.alloc(32, 3))

/** Pauses are none, so that what waits for a repetition goes on at once. */
export const hastyClock: Clock = { ...systemClock, sleep: async () => {} }

export interface Station {
  readonly journal: SegmentJournal
  readonly spool: Spool
  readonly tracker: IntentTracker
  readonly recorder: EventRecorder
  close(): Promise<void>
}

export const openStation = async (
  files: JournalFiles,
  options: {
    shards?: number
    failOpen?: boolean
    maxBytes?: number
    wrap?: (journal: Journal) => Journal
  } = {},
): Promise<Station> => {
  const base = { files, master, logger: silentLogger, clock: hastyClock }
  const { shards = 2, failOpen = false, maxBytes = 1e9, wrap = (same) => same } = options
  const journal = await openSegmentJournal('/journal', { ...base, shards, maxBytes })
  let spool: Spool
  try {
    spool = await openSpool('/spool', { ...base, maxBytes: 1e8 })
  } catch (error) {
    await journal.close()
    throw error
  }
  const tracker = createIntentTracker()
  const recorder = createRecorder({
    ...{ journal: wrap(journal), spool, tracker, shardOf, failOpen },
    clock: hastyClock,
    logger: silentLogger,
  })
  return {
    ...{ journal, spool, tracker, recorder },
    close: async () => {
      await recorder.close()
      await Promise.allSettled([spool.close(), journal.close()])
    },
  }
}

export const eventOf = (text: string, facts: Partial<SealedEvent> = {}): SealedEvent => ({
  text: Buffer.from(text),
  eventId: randomUUID(),
  account: '123456789012',
  region: 'us-east-1',
  category: 'Management',
  origin: { kind: 'capture' },
  ...facts,
})

export const framesOf = async (journal: JournalReader, shard: Shard): Promise<Frame[]> => {
  const frames: Frame[] = []
  const { first, next } = await journal.range(shard)
  for await (const { bytes } of scanFrames(journal, shard, first, next))
    frames.push(decodeFrame(bytes))
  return frames
}

/** The texts of all events in the journal. */
export const textsOf = async (journal: JournalReader): Promise<string[]> => {
  const texts: string[] = []
  for (const shard of journal.shards) {
    for (const frame of await framesOf(journal, shard)) {
      if (frame.kind === 'events') texts.push(...frame.events.map((event) => event.text.toString()))
    }
  }
  return texts
}
