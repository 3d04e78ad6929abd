import type { Documents } from '../../documents/documents.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { IntentTracker } from '../intents/intent-tracker.ts'
import type { Journal, Sequence, Shard } from '../journal.ts'
import type { Spool } from '../spool/spool.ts'
import { readCursor } from './cursor.ts'

/** How often segments that everybody has passed are looked for. */
export const TRUNCATION_INTERVAL_MS = 10_000

export interface TruncationOptions {
  readonly journal: Journal
  readonly documents: Documents
  /** Names of all consumers; one that has never stored a cursor keeps everything. */
  readonly consumers: readonly string[]
  readonly tracker: IntentTracker
  readonly spool: Spool
  readonly logger: Logger
}

export interface Truncation extends AsyncDisposable {
  /** One round now. */
  run(): Promise<void>
}

/** Nothing below it is needed by a consumer, by the recovery of intents or by the spool. */
const floorOf = async (options: TruncationOptions, shard: Shard): Promise<Sequence> => {
  const { documents, consumers, tracker, spool } = options
  const cursors = await Promise.all(consumers.map((name) => readCursor(documents, name, shard)))
  return Math.min(
    ...cursors.map((cursor) => cursor + 1),
    tracker.lowestUnresolved(shard),
    spool.lowestNoted(shard) ?? Number.POSITIVE_INFINITY,
  )
}

/** Runs in the process that appends, beside consumers in any process. */
export const startTruncation = (options: TruncationOptions): Truncation => {
  const { journal, logger } = options
  let running: Promise<void> = Promise.resolve()
  const round = async (): Promise<void> => {
    for (const shard of journal.shards) {
      await journal.truncate(shard, await floorOf(options, shard))
    }
  }
  const run = (): Promise<void> => {
    const next = running.then(round)
    running = next.catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'Cannot truncate the journal.')
    })
    return next
  }
  const timer = setInterval(() => {
    run().catch(() => {}) // logged in `run`
  }, TRUNCATION_INTERVAL_MS)
  timer.unref()
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await running
    },
  }
}
