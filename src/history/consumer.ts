import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Consumer, Entry } from '../journal/consumer.ts'
import type { Sequence, Shard } from '../journal/journal.ts'
import type { Clock } from '../platform/clock.ts'
import { makeFolder, syncFolder } from '../platform/durable-files.ts'
import type { MasterKey } from '../platform/encryption.ts'
import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { sqliteCodeOf } from '../platform/sqlite.ts'
import { type AttributeHashes, createAttributeHashes } from './attribute-hashes.ts'
import { HistoryError } from './history-error.ts'
import { BATCH_EVENTS_MAX, isDamage } from './key-index/index-schema.ts'
import { isPageDamage } from './key-index/run-pages.ts'
import type { StoredEvent } from './partition/block-codec.ts'
import { BlockPacker } from './partition/block-packer.ts'
import { BlockReader } from './partition/block-reader.ts'
import { Day } from './partition/day.ts'
import {
  DAY_MS,
  dayStartOf,
  daysIn,
  INDEX_DAMAGED_FILE,
  REMOVING_PREFIX,
  removalsIn,
} from './partition/layout.ts'
import { type PreparedEvent, prepareEvent } from './partition/prepared-event.ts'
import { isSettled } from './partition/recovery.ts'
import { createHistoryTelemetry, type HistoryTelemetry } from './telemetry.ts'

export interface HistoryConsumerOptions {
  /** The history's folder; created. One consumer at a time may write it. */
  readonly folder: string
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  /** Days that an event is kept after its eventTime. */
  readonly retentionDays?: number
}

/** As AWS's event history. */
const RETENTION_DAYS = 90
/** What is prepared, stored and made visible at once. */
const CHUNK_EVENTS = BATCH_EVENTS_MAX
const CHUNK_BYTES = 16_777_216
const EVENTS_PER_TURN = 256
/** Days open at once, with four file descriptors each: an import goes round all of the retention. */
const OPEN_DAYS_MAX = 96
/** Days that are written at the same time; far below OPEN_DAYS_MAX, so that none is closed meanwhile. */
const DAYS_AT_ONCE = 8
/** Days that keep their page cache: today, and yesterday around midnight. */
const AWAKE_DAYS_MAX = 2
/** Without new events for so long, the indexes of the days that were written are tidied. */
const SETTLE_AFTER_MS = 5_000
const RETENTION_EVERY_MS = 60_000
/** Decoded blocks kept for the comparison of repeats. */
const REPEAT_CACHE_BYTES = 16_777_216
/** Ids that one log line names. */
const LOGGED_IDS_MAX = 10

interface Tally {
  expired: number
  other: number
  readonly untimed: string[]
  readonly changed: string[]
}

/** Keeps the Management and Insight events of the journal for look-up (docs/formats/history.md). */
export const createHistoryConsumer = (options: HistoryConsumerOptions): Consumer =>
  new HistoryConsumer(options)

class HistoryConsumer implements Consumer {
  readonly name = 'history'
  readonly #options: HistoryConsumerOptions
  readonly #hashes: AttributeHashes
  readonly #telemetry: HistoryTelemetry
  readonly #reader: BlockReader
  readonly #packer = new BlockPacker()
  readonly #last = new Map<Shard, Sequence>()
  /** In order of use, the latest last. */
  readonly #days = new Map<string, Day>()
  #queue: Promise<unknown> = Promise.resolve()
  #recovered = false
  #closed = false
  /** When the last events were stored; and the days that were written since they were settled. */
  #storedAt = Number.NEGATIVE_INFINITY
  readonly #unsettled = new Set<string>()
  #retentionAt = Number.NEGATIVE_INFINITY

  constructor(options: HistoryConsumerOptions) {
    this.#options = options
    this.#hashes = createAttributeHashes(options.master)
    this.#telemetry = createHistoryTelemetry(options.registry)
    this.#reader = new BlockReader(options.folder, options.master, REPEAT_CACHE_BYTES)
  }

  /** The first call recovers every day, so that a reader never waits for the next event. */
  start(shard: Shard, cursor: Sequence): Promise<void> {
    return this.#exclusive(async () => {
      if (!this.#recovered) {
        await makeFolder(this.#options.folder)
        await this.#expireDays()
        const { folder } = this.#options
        for (const day of daysIn(folder)) if (!isSettled(folder, day)) await this.#open(day)
        this.#recovered = true
      }
      this.#last.set(shard, Math.max(cursor, this.#last.get(shard) ?? 0))
    })
  }

  consume(shard: Shard, batch: readonly Entry[], signal: AbortSignal): Promise<Sequence> {
    return this.#exclusive(async () => {
      const began = this.#options.clock.monotonic()
      const tally: Tally = { expired: 0, other: 0, untimed: [], changed: [] }
      try {
        await this.#storeChunks(chunksOf(this.#wanted(batch, tally)), tally, signal)
      } finally {
        this.#report(tally)
      }
      this.#last.set(shard, Math.max(this.#lastOf(shard), batch.at(-1)?.sequence ?? 0))
      this.#telemetry.consumed((this.#options.clock.monotonic() - began) / 1000)
      return this.#lastOf(shard)
    })
  }

  tick(shard: Shard, _signal: AbortSignal): Promise<Sequence> {
    return this.#exclusive(async () => {
      const now = this.#options.clock.now()
      if (now - this.#retentionAt >= RETENTION_EVERY_MS) await this.#expireDays()
      if (now - this.#storedAt >= SETTLE_AFTER_MS) await this.#settleDay()
      return this.#lastOf(shard)
    })
  }

  /** Nothing is held back: what was consumed is durable. */
  flush(shard: Shard, _signal: AbortSignal): Promise<Sequence> {
    return this.#exclusive(async () => this.#lastOf(shard))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.#exclusive(async () => {
      this.#closed = true
      for (const day of this.#days.values()) await day.close()
      this.#days.clear()
      await this.#packer.close()
    })
  }

  #lastOf(shard: Shard): Sequence {
    return this.#last.get(shard) ?? 0
  }

  /** Shards share the days, so that their batches take turns. */
  #exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const run = this.#queue.then(() => {
      if (this.#closed) throw new HistoryError('closed', 'The history is closed.')
      return work()
    })
    // The caller of `run` sees the error; the queue only needs to know that it is over.
    this.#queue = run.catch(() => {})
    return run
  }

  *#wanted(batch: readonly Entry[], tally: Tally): Generator<PreparedEvent> {
    const oldest = this.#oldest()
    for (const { shard, sequence, frame } of batch) {
      if (frame.kind !== 'events') continue
      for (const [index, sealed] of frame.events.entries()) {
        const { eventId, account, region, category, text } = sealed
        if (category !== 'Management' && category !== 'Insight') {
          tally.other++
          continue
        }
        // Member by member: a spread costs ten times as much.
        const event: StoredEvent = {
          shard: shard,
          sequence: sequence,
          index: index,
          eventId: eventId,
          account: account,
          region: region,
          category: category,
          text: text,
        }
        const prepared = prepareEvent(event, this.#hashes)
        if (prepared === undefined) tally.untimed.push(eventId)
        else if (prepared.entry.time < oldest) tally.expired++
        else yield prepared
      }
    }
  }

  /** The next chunk is prepared while the last one is packed and written. */
  async #storeChunks(
    chunks: AsyncIterable<PreparedEvent[]>,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    let storing: Promise<unknown> = Promise.resolve()
    for await (const chunk of chunks) {
      await storing
      signal.throwIfAborted()
      storing = this.#storeChunk(chunk, tally)
      // It is awaited in the next round, or below, and rejects there.
      storing.catch(() => {})
    }
    await storing
  }

  /** Days take their share at the same time: their files are written and synced beside each other. */
  async #storeChunk(chunk: readonly PreparedEvent[], tally: Tally): Promise<void> {
    const shares = [...Map.groupBy(chunk, ({ day }) => day)]
    for (let at = 0; at < shares.length; at += DAYS_AT_ONCE) {
      const open: [Day, readonly PreparedEvent[]][] = []
      for (const [name, events] of shares.slice(at, at + DAYS_AT_ONCE)) {
        open.push([await this.#open(name), events])
      }
      const stored = await Promise.allSettled(
        open.map(([day, events]) => this.#storeDay(day, events, tally)),
      )
      const failed = stored.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    }
  }

  async #storeDay(day: Day, events: readonly PreparedEvent[], tally: Tally): Promise<void> {
    try {
      this.#storedAt = this.#options.clock.now()
      this.#unsettled.add(day.name)
      const result = await day.store(events)
      this.#telemetry.counted('stored', result.stored)
      this.#telemetry.counted('repeat', result.repeats)
      this.#telemetry.storedBytes(result.bytes)
      tally.changed.push(...result.changed)
    } catch (error) {
      if (!day.sound) await this.#drop(day, error)
      throw error
    }
  }

  /** One merge at a time, so that events that arrive meanwhile wait for no more than one. */
  async #settleDay(): Promise<void> {
    for (const name of this.#unsettled) {
      const day = this.#days.get(name)
      try {
        if (day?.settle()) return
        this.#unsettled.delete(name)
      } catch (error) {
        this.#unsettled.delete(name)
        if (day !== undefined) await this.#drop(day, error)
        throw error
      }
    }
  }

  /** The next use opens the day anew and so recovers it. */
  async #drop(day: Day, reason: unknown): Promise<void> {
    const { folder, logger } = this.#options
    this.#days.delete(day.name)
    try {
      await day.close()
      if (isDamage(sqliteCodeOf(reason)) || isPageDamage(reason)) {
        writeFileSync(join(folder, day.name, INDEX_DAMAGED_FILE), '', { mode: 0o600 })
      }
    } catch (error) {
      logger.warn({ day: day.name, error: messageOf(error) }, 'A day did not close after an error.')
    }
  }

  async #open(name: string): Promise<Day> {
    let day = this.#days.get(name)
    if (day === undefined) {
      const { folder: history, master, logger } = this.#options
      const rebuilt = (): void => this.#telemetry.rebuilt()
      const context = { history, day: name, master, hashes: this.#hashes, logger, rebuilt }
      day = await Day.open(context, this.#reader, this.#packer)
    }
    this.#days.delete(name)
    this.#days.set(name, day)
    for (const [oldest, open] of this.#days) {
      if (this.#days.size <= OPEN_DAYS_MAX) break
      this.#days.delete(oldest)
      await open.close()
    }
    // Only the one that falls out of the awake ones: the others rest already.
    ;[...this.#days.values()].at(-1 - AWAKE_DAYS_MAX)?.rest()
    return day
  }

  /** Events before this moment are not taken; days that end before it are deleted. */
  #oldest(): number {
    const days = this.#options.retentionDays ?? RETENTION_DAYS
    return this.#options.clock.now() - days * DAY_MS
  }

  async #expireDays(): Promise<void> {
    const { folder, logger } = this.#options
    this.#retentionAt = this.#options.clock.now()
    const oldest = this.#oldest()
    const days = daysIn(folder)
    const expired = days.filter((day) => dayStartOf(day) + DAY_MS <= oldest)
    for (const name of expired) {
      const day = this.#days.get(name)
      this.#days.delete(name)
      await day?.close()
      // Under a name that no reader looks for, so that none meets half a day.
      renameSync(join(folder, name), join(folder, `${REMOVING_PREFIX}${name}`))
      logger.info({ day: name }, 'A day of the event history is past its retention.')
    }
    if (expired.length > 0) await syncFolder(folder)
    for (const name of removalsIn(folder)) rmSync(join(folder, name), { recursive: true })
    this.#telemetry.days(days.length - expired.length)
  }

  #report(tally: Tally): void {
    const { logger } = this.#options
    const { expired, other, untimed, changed } = tally
    this.#telemetry.counted('expired', expired)
    this.#telemetry.counted('other', other)
    this.#telemetry.counted('untimed', untimed.length)
    this.#telemetry.counted('changed', changed.length)
    const ids = (all: readonly string[]) => ({
      count: all.length,
      eventIds: all.slice(0, LOGGED_IDS_MAX),
    })
    if (untimed.length > 0)
      logger.warn(ids(untimed), 'Events without a readable eventTime skipped.')
    if (expired > 0) logger.info({ count: expired }, 'Events older than the history skipped.')
    if (changed.length > 0) logger.warn(ids(changed), 'Events repeat an eventID with another text.')
  }
}

/** Gives way now and then: blocks of the last chunk wait for this thread to hand them on. */
async function* chunksOf(events: Iterable<PreparedEvent>): AsyncGenerator<PreparedEvent[]> {
  let chunk: PreparedEvent[] = []
  let bytes = 0
  for (const prepared of events) {
    chunk.push(prepared)
    bytes += prepared.event.text.length
    if (chunk.length % EVENTS_PER_TURN === 0) await nextTurn()
    if (chunk.length < CHUNK_EVENTS && bytes < CHUNK_BYTES) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}
