/** The journal as the front has it, which appends. */
import type { Registry } from 'prom-client'
import { decodeFrame } from '../../journal/frame-codec.ts'
import { createIntentTracker } from '../../journal/intents/intent-tracker.ts'
import { recoverIntents, startIntentCheckpoints } from '../../journal/intents/intents.ts'
import { JournalError } from '../../journal/journal.ts'
import type { EventRecorder } from '../../journal/recorder.ts'
import type { CallsUnderWay } from '../../journal/recording/gather-siblings.ts'
import { startTruncation } from '../../journal/runner/truncation.ts'
import { openSegmentJournal, type SegmentJournal } from '../../journal/segment-journal.ts'
import { createRecorder } from '../../journal/segment-recorder.ts'
import { shardOf } from '../../journal/shard.ts'
import { drainSpool } from '../../journal/spool/drain-spool.ts'
import { openSpool } from '../../journal/spool/spool.ts'
import { createJournalTelemetry, createRecorderTelemetry } from '../../journal/telemetry.ts'
import { systemClock } from '../../platform/clock.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import { CONSUMER_NAMES } from '../consumer-names.ts'
import { closing } from '../owned.ts'
import type { Stores } from '../stores.ts'

/** A killed front's lock is gone within milliseconds; a new one waits for that. */
const LOCK_WAIT_MS_MAX = 10_000
const LOCK_RETRY_MS = 20

export interface FrontJournal {
  readonly recorder: EventRecorder
  /** For imports, which bring frames of their own. */
  readonly journal: Pick<SegmentJournal, 'append' | 'shards' | 'range'>
  /** Kept by the gateway, for the recorder's commits. */
  readonly calls: CallsUnderWay
  close(): Promise<void>
}

/** Repeats `open` while another process, about to end, holds the lock. */
const whenUnlocked = async <Opened>(open: () => Promise<Opened>): Promise<Opened> => {
  const deadline = systemClock.monotonic() + LOCK_WAIT_MS_MAX
  for (;;) {
    try {
      return await open()
    } catch (error) {
      const locked = error instanceof JournalError && error.code === 'locked'
      if (!locked || systemClock.monotonic() > deadline) throw error
      await systemClock.sleep(LOCK_RETRY_MS)
    }
  }
}

/** Opens journal and spool, drains the spool, gives every intent of a crash its event. */
export const openFrontJournal = async (
  { config, channel, logger, restart }: RoleHost,
  { master, documents }: Stores,
  registry: Registry,
): Promise<FrontJournal> => {
  const clock = systemClock
  const owned = closing(logger)
  const paths = pathsOf(config.data)
  const journal: SegmentJournal = owned.add(
    await whenUnlocked(() =>
      openSegmentJournal(paths.journal, {
        master,
        shards: config.journal.shards,
        clock,
        logger,
        maxBytes: config.journal.maxBytes,
        retentionMs: config.journal.retention,
        segmentBytes: config.journal.segmentBytes,
        telemetry: createJournalTelemetry(registry),
      }),
    ),
  )
  const folder = config.spool.folder ?? paths.spool
  const { maxBytes } = config.spool
  const spool = owned.add(
    await whenUnlocked(() => openSpool(folder, { master, clock, logger, maxBytes })),
  )
  await drainSpool({ spool, journal, logger }) // before the recorder, which drains by itself
  const tracker = createIntentTracker()
  const calls: CallsUnderWay = { count: 0 }
  const recorder = owned.add(
    createRecorder({
      journal,
      spool,
      shardOf,
      tracker,
      clock,
      logger,
      telemetry: createRecorderTelemetry(registry),
      calls,
      failOpen: config.journal.failOpen,
    }),
  )
  await recoverIntents({ journal, documents, recorder, tracker, spool, logger })
  const { shards } = journal
  const checkpoints = startIntentCheckpoints({ documents, tracker, shards, logger })
  const consumers = CONSUMER_NAMES
  const truncation = startTruncation({ journal, documents, consumers, tracker, spool, logger })
  owned.add({
    close: async () => {
      await truncation[Symbol.asyncDispose]()
      await checkpoints[Symbol.asyncDispose]()
    },
  })
  // A journal that closed itself after a failed write is recovered by starting again.
  void journal.failed.then((error) => restart(`The journal failed: ${error.message}`))
  channel.handle('append', async (payload) => {
    const frame = decodeFrame(Buffer.from(payload as Uint8Array))
    if (frame.kind === 'events') await recorder.record(frame.events)
  })
  return { recorder, journal, calls, close: () => owned.closeAll() }
}
