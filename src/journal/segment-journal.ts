/**
 * The journal in files of this machine (docs/formats/journal.md):
 *
 *     <folder>/journal.json            format and number of shards, fixed at creation
 *     <folder>/lock                    held by the one process that appends
 *     <folder>/shard-000/<seq>.seg     append-only segments, named by their first sequence
 *     <folder>/shard-000/head          what is durable; other processes read up to there
 *
 * Invariants: an append resolves after fdatasync; no byte below a published head is ever changed or
 * cut; a sequence is never given twice; after a failed write nothing more is appended.
 */
import type { Clock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import type { Logger } from '../platform/logger.ts'
import type { JournalFiles } from './files/journal-files.ts'
import { nodeFiles } from './files/node-files.ts'
import {
  FRAME_BYTES_MAX,
  type Journal,
  JournalError,
  type JournalReader,
  type Sequence,
  type Shard,
} from './journal.ts'
import { type Capacity, createCapacity, FULL_SHARE } from './segment/capacity.ts'
import { describeJournal, readDescription } from './segment/description.ts'
import { openHeadReader } from './segment/head-file.ts'
import { type Head, ID_HASH_BYTES, shardFolder } from './segment/layout.ts'
import { type Finding, recoverShard } from './segment/recovery.ts'
import { openShardAppender, type ShardAppender } from './segment/shard-appender.ts'
import { createShardReader, type ShardReader } from './segment/shard-reader.ts'
import type { JournalTelemetry } from './telemetry.ts'

/** A segment is sealed, and the next one begun, at this size. */
export const SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024
/** Frames are kept this long even when all consumers have passed them. */
export const RETENTION_MS_DEFAULT = 24 * 3_600_000
/** Of `maxBytes`, retention alone may hold this share. */
export const RETENTION_SHARE = 0.5
/** So many segments fit into a shard's part of `maxBytes` at least, so that truncation finds whole ones. */
const SEGMENTS_MIN = 8

export interface SegmentJournalOptions {
  readonly master: MasterKey
  /** Used when the journal is created; afterwards the folder's own number holds. */
  readonly shards: number
  readonly clock: Clock
  readonly logger: Logger
  readonly maxBytes: number
  readonly retentionMs?: number
  readonly segmentBytes?: number
  /** Share of the disk at which nothing more is taken; 0.95 where it is not given. */
  readonly diskFullShare?: number
  readonly telemetry?: JournalTelemetry
  readonly files?: JournalFiles
}

/** What opening found and did. */
export interface RecoveryReport {
  readonly findings: readonly Finding[]
  readonly cutBytes: number
  readonly rewrittenFrames: number
}

export interface SegmentJournal extends Journal {
  readonly recovery: RecoveryReport
  /**
   * Resolves, never rejects, when the journal closed itself after a failed write: the process should
   * end and start again, which recovers the journal. Stays pending otherwise.
   */
  readonly failed: Promise<JournalError>
  /** Bytes of all segment files. */
  size(): number
}

interface ShardParts {
  readonly appender: ShardAppender
  readonly reader: ShardReader
}

class LocalJournal implements SegmentJournal {
  readonly shards: readonly Shard[]
  readonly recovery: RecoveryReport
  readonly failed: Promise<JournalError>
  readonly #parts: readonly ShardParts[]
  readonly #capacity: Capacity
  readonly #lock: AsyncDisposable
  readonly #options: SegmentJournalOptions
  readonly #hashId: (id: string) => Buffer
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(
    options: SegmentJournalOptions,
    opened: {
      parts: readonly ShardParts[]
      capacity: Capacity
      lock: AsyncDisposable
      recovery: RecoveryReport
      failed: Promise<JournalError>
    },
  ) {
    this.#options = options
    this.#parts = opened.parts
    this.#capacity = opened.capacity
    this.#lock = opened.lock
    this.recovery = opened.recovery
    this.failed = opened.failed
    this.shards = opened.parts.map((_, shard) => shard)
    this.#hashId = options.master.keyedHash('journal append id')
  }

  async append(shard: Shard, frame: Uint8Array, id: string): Promise<Sequence> {
    const { appender } = this.#part(shard)
    if (frame.byteLength > FRAME_BYTES_MAX) {
      throw new JournalError(
        'too-large',
        `A frame has ${frame.byteLength} bytes; ${FRAME_BYTES_MAX} are allowed.`,
      )
    }
    await this.#capacity.refresh()
    try {
      const hash = this.#hashId(id).subarray(0, ID_HASH_BYTES)
      const sequence = await appender.append(frame, hash)
      this.#options.telemetry?.size(this.#capacity.bytes)
      return sequence
    } catch (error) {
      if (error instanceof JournalError) this.#options.telemetry?.refused(error.code)
      throw error
    }
  }

  async read(shard: Shard, from: Sequence, limit: number, bytesMax: number) {
    return this.#open(shard).reader.read(from, limit, bytesMax)
  }

  async nextReadable(shard: Shard, from: Sequence): Promise<Sequence> {
    return this.#open(shard).reader.nextReadable(from)
  }

  async range(shard: Shard): Promise<{ first: Sequence; next: Sequence }> {
    const { first, next } = this.#open(shard).appender.head
    return { first, next }
  }

  async wait(shard: Shard, after: Sequence, signal: AbortSignal): Promise<void> {
    const { appender } = this.#open(shard)
    await appender.passed(after + 1, AbortSignal.any([signal, this.#closing.signal]))
  }

  async truncate(shard: Shard, below: Sequence): Promise<void> {
    const { retentionMs = RETENTION_MS_DEFAULT, maxBytes } = this.#options
    const { appender } = this.#open(shard)
    await appender.truncate(below, retentionMs, maxBytes * RETENTION_SHARE)
    this.#options.telemetry?.size(this.#capacity.bytes)
  }

  size(): number {
    return this.#capacity.bytes
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError())
    const parts = this.#parts.flatMap(({ appender, reader }) => [appender.close(), reader.close()])
    const results = await Promise.allSettled(parts)
    await this.#lock[Symbol.asyncDispose]()
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #part(shard: Shard): ShardParts {
    const part = this.#parts[shard]
    if (part === undefined) throw new RangeError(`The journal has no shard ${shard}.`)
    return part
  }

  #open(shard: Shard): ShardParts {
    if (this.#closed !== undefined) throw closedError()
    return this.#part(shard)
  }
}

const closedError = (): JournalError => new JournalError('closed', 'The journal is closed.')

const logRecovery = (report: RecoveryReport, logger: Logger): void => {
  for (const finding of report.findings) logger.error(finding, 'The journal is damaged.')
  if (report.cutBytes > 0 || report.rewrittenFrames > 0) {
    const { cutBytes, rewrittenFrames } = report
    logger.warn({ cutBytes, rewrittenFrames }, 'The journal was not closed; its end was repaired.')
  }
}

/**
 * Opens the journal for appending, creating it where there is none, and recovers it. Rejects with
 * JournalError `locked` while another process appends, `unsupported` for a newer format, and with
 * EncryptionError under another master key.
 */
export const openSegmentJournal = async (
  folder: string,
  options: SegmentJournalOptions,
): Promise<SegmentJournal> => {
  const { files = nodeFiles, master, clock, maxBytes, diskFullShare = FULL_SHARE } = options
  await files.makeFolder(folder)
  const lock = await files.lock(folder)
  const opened: ShardParts[] = []
  try {
    const logger = options.logger.child({ part: 'journal' })
    const shards = await describeJournal(files, folder, options.shards, logger)
    const capacity = createCapacity({ files, folder, maxBytes, clock, logger, diskFullShare })
    await capacity.refresh()
    const segmentBytes = Math.min(
      options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
      Math.ceil(maxBytes / (shards * SEGMENTS_MIN)),
    )
    const { promise: failed, resolve } = Promise.withResolvers<JournalError>()
    const fail = (error: JournalError): void => {
      logger.error({ error: error.message, hint: error.hint }, 'The journal closed itself.')
      for (const { appender } of opened) appender.fail(error)
      resolve(error)
    }
    const report = { findings: [] as Finding[], cutBytes: 0, rewrittenFrames: 0 }
    for (let shard = 0; shard < shards; shard++) {
      const place = { files, folder: `${folder}/${shardFolder(shard)}`, shard, master }
      const recovered = await recoverShard({ ...place, now: clock.now() })
      report.findings.push(...recovered.findings)
      report.cutBytes += recovered.cutBytes
      report.rewrittenFrames += recovered.rewrittenFrames
      const { telemetry } = options
      const settings = { ...place, clock, logger, capacity, segmentBytes, telemetry, failed: fail }
      const appender = await openShardAppender(settings, recovered)
      const reader = createShardReader({ ...place, head: async () => appender.head })
      opened.push({ appender, reader })
    }
    logRecovery(report, logger)
    return new LocalJournal(options, { parts: opened, capacity, lock, recovery: report, failed })
  } catch (error) {
    const closing = opened.flatMap(({ appender, reader }) => [appender.close(), reader.close()])
    await Promise.allSettled(closing)
    await lock[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Opens the journal for reading beside the process that appends. It never shows a frame that is not
 * durable and sees a new one within some 10 ms. Waits up to ten seconds for a journal that is just
 * being created.
 */
export const openSegmentJournalReader = async (
  folder: string,
  options: { master: MasterKey; clock: Clock; files?: JournalFiles },
): Promise<JournalReader & { close(): Promise<void> }> => {
  const { files = nodeFiles, master, clock } = options
  const shards = await readDescription(files, folder, clock)
  const closing = new AbortController()
  const parts = await Promise.all(
    Array.from({ length: shards }, async (_, shard) => {
      const path = `${folder}/${shardFolder(shard)}`
      const head = await openHeadReader(files, path, shard, clock)
      const reading = { files, folder: path, shard, master, head: (): Promise<Head> => head.read() }
      return { head, reader: createShardReader(reading) }
    }),
  )
  const part = (shard: Shard) => {
    if (closing.signal.aborted) throw closedError()
    const found = parts[shard]
    if (found === undefined) throw new RangeError(`The journal has no shard ${shard}.`)
    return found
  }
  return {
    shards: parts.map((_, shard) => shard),
    read: async (shard, from, limit, bytesMax) => part(shard).reader.read(from, limit, bytesMax),
    nextReadable: async (shard, from) => part(shard).reader.nextReadable(from),
    range: async (shard) => {
      const { first, next } = await part(shard).head.read()
      return { first, next }
    },
    wait: async (shard, after, signal) => {
      const either = AbortSignal.any([signal, closing.signal])
      await part(shard).head.passed(after + 1, either)
    },
    close: async () => {
      closing.abort(closedError())
      await Promise.all(parts.flatMap(({ head, reader }) => [head.close(), reader.close()]))
    },
  }
}
