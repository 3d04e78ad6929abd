/**
 * Drives the consumers of the journal: one loop per consumer and shard. The runner alone stores
 * cursors, retries, measures lag, and stops.
 */
import type { Registry } from 'prom-client'
import type { Documents } from '../../documents/documents.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Consumer } from '../consumer.ts'
import type { JournalReader, Sequence, Shard } from '../journal.ts'
import { createRunnerTelemetry } from '../telemetry.ts'
import { createEntrySource } from './entry-source.ts'
import { Follower, RunnerError } from './follower.ts'
import { createHeadClock } from './head-clock.ts'

export const TICK_MS_DEFAULT = 200
export const BATCH_FRAMES_DEFAULT = 256
/** Five to eight megabytes of text, so that two consumers in turn find the same frames decoded. */
export const BATCH_BYTES_DEFAULT = 1024 * 1024
/** A graceful stop lets consumers finish and flush for so long. */
export const STOP_DEADLINE_MS = 20_000
/** After the deadline, consumers have so long to heed their signal. */
const STOP_GRACE_MS = 2_000
const LAG_INTERVAL_MS = 1_000

export interface RunnerOptions {
  readonly journal: JournalReader
  readonly documents: Documents
  /** In the order in which `flushTo` flushes them. */
  readonly consumers: readonly Consumer[]
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  readonly tickMs?: number
  readonly batchFrames?: number
  /** Stored bytes of a batch. */
  readonly batchBytes?: number
  readonly random?: () => number
}

export interface Runner {
  /**
   * Waits until every consumer has taken everything up to `heads` (by shard; without it, up to the
   * journal's end now), then flushes consumer by consumer and stores the cursors. A consumer that
   * fails is tried once and named in the rejection (RunnerError `consumer-failed`).
   */
  flushTo(heads: ReadonlyMap<Shard, Sequence> | undefined, signal: AbortSignal): Promise<void>
  /** Waits until every consumer has taken everything up to `heads`; flushes nothing. */
  passed(heads: ReadonlyMap<Shard, Sequence>, signal: AbortSignal): Promise<void>
  /** The lowest stored cursor: everything up to it is durable with all consumers. */
  lowestCursor(shard: Shard): Sequence
  /** Lets the batches under way end, flushes, stores the cursors, closes the consumers. */
  stop(deadlineMs?: number): Promise<void>
  /** Resolves when a loop ended for good (RunnerError `superseded`): the process must end. */
  readonly failed: Promise<RunnerError>
}

const withSignal = async (work: Promise<unknown>, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** False where `work` takes longer than `ms`. */
const within = async (work: Promise<true>, ms: number): Promise<boolean> => {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Starts all loops at once and returns; the consumers' `start` happens inside them. */
export const startRunner = (options: RunnerOptions): Runner => {
  const { journal, documents, consumers, clock, logger } = options
  const telemetry = createRunnerTelemetry(options.registry)
  const source = createEntrySource(journal, logger)
  const heads = journal.shards.map((shard) => ({ shard, clock: createHeadClock() }))
  const { promise: failed, resolve: fail } = Promise.withResolvers<RunnerError>()
  const followers = consumers.flatMap((consumer) =>
    journal.shards.map(
      (shard) =>
        new Follower({
          ...{ journal, source, documents, consumer, shard, clock, logger, telemetry },
          tickMs: options.tickMs ?? TICK_MS_DEFAULT,
          batchFrames: options.batchFrames ?? BATCH_FRAMES_DEFAULT,
          batchBytes: options.batchBytes ?? BATCH_BYTES_DEFAULT,
          random: options.random ?? Math.random,
        }),
    ),
  )
  const loops = followers.map(async (follower) => {
    try {
      await follower.run()
    } catch (error) {
      logger.error({ consumer: follower.consumer, error: messageOf(error) }, 'A consumer ended.')
      if (error instanceof RunnerError && error.code === 'superseded') fail(error)
    }
  })

  const measure = async (): Promise<void> => {
    for (const { shard, clock: headClock } of heads) {
      const { next } = await journal.range(shard)
      headClock.sample(next - 1, clock.now())
      for (const follower of followers.filter((each) => each.shard === shard)) {
        const frames = Math.max(0, next - 1 - follower.position)
        const seconds = headClock.lagMs(follower.position, clock.now()) / 1_000
        telemetry.lag(follower.consumer, shard, frames, seconds)
      }
    }
  }
  const timer = setInterval(() => {
    measure().catch((error: unknown) =>
      logger.warn({ error: messageOf(error) }, 'Cannot measure the lag of the consumers.'),
    )
  }, LAG_INTERVAL_MS)
  timer.unref()

  const headsNow = async (): Promise<Map<Shard, Sequence>> => {
    const now = new Map<Shard, Sequence>()
    for (const shard of journal.shards) now.set(shard, (await journal.range(shard)).next - 1)
    return now
  }

  return {
    failed,
    lowestCursor: (shard) =>
      Math.min(...followers.filter((each) => each.shard === shard).map((each) => each.cursor)),
    passed: async (goal, signal) => {
      const passing = followers.map((each) => each.passed(goal.get(each.shard) ?? 0))
      await withSignal(allOrFirstError(passing), signal)
    },
    flushTo: async (wanted, signal) => {
      const goal = wanted ?? (await headsNow())
      const passing = followers.map((each) => each.passed(goal.get(each.shard) ?? 0))
      await withSignal(allOrFirstError(passing), signal)
      for (const { name } of consumers) {
        const own = followers.filter((each) => each.consumer === name)
        await withSignal(allOrFirstError(own.map((each) => each.flush())), signal)
      }
    },
    stop: async (deadlineMs = STOP_DEADLINE_MS) => {
      clearInterval(timer)
      for (const follower of followers) follower.stop()
      const ended = Promise.all(loops).then((): true => true)
      if (!(await within(ended, deadlineMs))) {
        for (const follower of followers) follower.abort()
        if (!(await within(ended, STOP_GRACE_MS))) {
          logger.error({}, 'A consumer does not stop; its entries come again after the restart.')
        }
      }
      for (const consumer of consumers) await consumer.close()
    },
  }
}

/** Waits for all, so that no rejection goes unseen. */
const allOrFirstError = async (all: readonly Promise<void>[]): Promise<void> => {
  const results = await Promise.allSettled(all)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
