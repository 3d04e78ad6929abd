import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { type JournalFiles, writeAll } from '../files/journal-files.ts'
import { JournalError, type Sequence, type Shard } from '../journal.ts'
import type { JournalTelemetry } from '../telemetry.ts'
import type { Capacity } from './capacity.ts'
import { type HeadWriter, openHeadWriter } from './head-file.ts'
import { type Head, SEGMENT_HEADER_BYTES, segmentName } from './layout.ts'
import type { RecentIds } from './recent-ids.ts'
import type { RecoveredShard, SegmentFacts } from './recovery.ts'
import {
  createSegment,
  type PlainFrame,
  type SegmentWriter,
  storedBytes,
} from './segment-writer.ts'

/** One commit group: what one write and one fdatasync make durable. */
export const GROUP_FRAMES_MAX = 512
export const GROUP_BYTES_MAX = 8 * 1024 * 1024

/** Bytes of frames that wait for their commit; beyond it appends are refused as `full`. */
export const PENDING_BYTES_MAX = 128 * 1024 * 1024

/** Errors after which the file system works as before, and nothing was written. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

interface Pending extends PlainFrame {
  readonly key: string
  readonly answer: PromiseWithResolvers<Sequence>
}

export interface ShardAppenderOptions {
  readonly files: JournalFiles
  readonly folder: string
  readonly shard: Shard
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
  readonly capacity: Capacity
  readonly segmentBytes: number
  readonly telemetry: JournalTelemetry | undefined
  /** Called once when writing failed: the whole journal closes. */
  readonly failed: (error: JournalError) => void
}

const unknownOutcome = (shard: Shard, cause: unknown): JournalError =>
  new JournalError('unknown', `Writing to shard ${shard} failed: ${messageOf(cause)}`, {
    cause,
    hint: 'Check the disk; the process restarts and recovers the journal.',
  })

/** The one writer of a shard: groups what arrives while a commit is under way. */
export class ShardAppender {
  readonly #o: ShardAppenderOptions
  readonly #recent: RecentIds
  readonly #segments: SegmentFacts[]
  readonly #headWriter: HeadWriter
  readonly #waiters = new Set<() => void>()
  /** Appends under way by their id's hash, so that a concurrent repeat gets the same answer. */
  readonly #pending = new Map<string, Promise<Sequence>>()
  #queue: Pending[] = []
  #pendingBytes = 0
  #next: Sequence
  #writer: SegmentWriter | undefined
  #committing: Promise<void> | undefined
  #truncating: Promise<void> = Promise.resolve()
  #publishing: Promise<void> = Promise.resolve()
  #failure: JournalError | undefined

  constructor(options: ShardAppenderOptions, recovered: RecoveredShard, headWriter: HeadWriter) {
    this.#o = options
    this.#recent = recovered.recent
    this.#segments = recovered.segments
    this.#next = recovered.next
    this.#writer = recovered.writer
    this.#headWriter = headWriter
    for (const segment of this.#segments) options.capacity.grew(segment.bytes)
  }

  get head(): Head {
    const last = this.#segments.at(-1)
    return {
      first: this.#segments[0]?.first ?? this.#next,
      next: this.#next,
      segmentFirst: last?.first ?? this.#next,
      segmentBytes: last?.bytes ?? 0,
    }
  }

  /** Resolves with the sequence once the frame is durable. The caller has checked the frame's size. */
  append(frame: Uint8Array, idHash: Buffer): Promise<Sequence> {
    if (this.#failure !== undefined) return Promise.reject(this.#closedError())
    const now = this.#o.clock.now()
    const known = this.#recent.get(idHash, now)
    if (known !== undefined) return Promise.resolve(known)
    const key = idHash.toString('latin1')
    const underWay = this.#pending.get(key)
    if (underWay !== undefined) return underWay
    try {
      this.#claim(storedBytes(frame.byteLength))
    } catch (error) {
      return Promise.reject(error)
    }
    const answer = Promise.withResolvers<Sequence>()
    this.#pending.set(key, answer.promise)
    this.#queue.push({ key, bytes: frame, idHash, appendedAt: now, answer })
    this.#committing ??= this.#commitAll()
    return answer.promise
  }

  /** Resolves when the head's `next` exceeds `next`. */
  async passed(next: Sequence, signal: AbortSignal): Promise<void> {
    while (this.#next <= next) {
      signal.throwIfAborted()
      const { promise, resolve } = Promise.withResolvers<void>()
      const wake = (): void => resolve()
      this.#waiters.add(wake)
      signal.addEventListener('abort', wake, { once: true })
      await promise
      this.#waiters.delete(wake)
      signal.removeEventListener('abort', wake)
    }
  }

  /**
   * Removes whole segments below `below` whose frames are older than `retentionMs`; younger ones
   * only while all shards together exceed `bytesMax`.
   */
  async truncate(below: Sequence, retentionMs: number, bytesMax: number): Promise<void> {
    this.#truncating = this.#truncating.then(() => this.#truncate(below, retentionMs, bytesMax))
    const done = this.#truncating
    this.#truncating = done.catch(() => {}) // the caller gets the error; the next one starts afresh
    await done
  }

  /** Stops taking frames: those under way get `unknown`, later ones `closed`. */
  fail(error: JournalError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const pending of this.#queue.splice(0)) this.#settle(pending, undefined, error)
  }

  async close(): Promise<void> {
    this.#failure ??= new JournalError('closed', 'The journal is closed.')
    while (this.#committing !== undefined) await this.#committing
    await this.#truncating
    await this.#headWriter.close()
    await this.#writer?.file.close()
  }

  #closedError(): JournalError {
    return this.#failure?.code === 'closed'
      ? this.#failure
      : new JournalError('closed', 'The journal closed itself after a failed write.', {
          cause: this.#failure,
          hint: 'The process restarts and recovers the journal; until then events go to the spool.',
        })
  }

  #claim(bytes: number): void {
    if (this.#pendingBytes + bytes > PENDING_BYTES_MAX) {
      throw new JournalError('full', 'Too many frames wait for the disk.', {
        hint: 'The disk is slower than the load; see clew_journal_commit_seconds.',
      })
    }
    this.#o.capacity.claim(this.#pendingBytes + bytes)
    this.#pendingBytes += bytes
  }

  #settle(pending: Pending, sequence: Sequence | undefined, error?: unknown): void {
    this.#pending.delete(pending.key)
    this.#pendingBytes -= storedBytes(pending.bytes.byteLength)
    if (sequence === undefined) pending.answer.reject(error)
    else pending.answer.resolve(sequence)
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        await this.#commit(group)
      } catch (error) {
        const failure = error instanceof JournalError ? error : unknownOutcome(this.#o.shard, error)
        for (const pending of group) this.#settle(pending, undefined, failure)
        if (failure.code !== 'full') this.#o.failed(failure)
      }
    }
    this.#committing = undefined
  }

  #takeGroup(): Pending[] {
    let bytes = 0
    let count = 0
    for (const pending of this.#queue) {
      bytes += storedBytes(pending.bytes.byteLength)
      if (count > 0 && (bytes > GROUP_BYTES_MAX || count >= GROUP_FRAMES_MAX)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    const started = this.#o.clock.monotonic()
    const writer = await this.#writerWithRoom()
    const first = this.#next
    const bytes = await this.#write(writer, writer.seal(group, first))
    await writer.file.fdatasync()
    writer.bytes += bytes
    const facts = this.#segments.at(-1)
    if (facts !== undefined) facts.bytes = writer.bytes
    this.#o.capacity.grew(bytes)
    this.#next = first + group.length
    await this.#publish()
    group.forEach((pending, index) => {
      this.#recent.add(pending.idHash, first + index, pending.appendedAt)
      this.#settle(pending, first + index)
    })
    for (const wake of this.#waiters) wake()
    const seconds = (this.#o.clock.monotonic() - started) / 1_000
    this.#o.telemetry?.committed(this.#o.shard, seconds, group.length, bytes)
  }

  /** Writes at the writer's end. Where the disk is full, the file is as before, durably. */
  async #write(writer: SegmentWriter, buffers: readonly Buffer[]): Promise<number> {
    try {
      return await writeAll(writer.file, buffers, writer.bytes)
    } catch (cause) {
      if (!NO_ROOM.has(systemCodeOf(cause) ?? '')) throw cause
      await writer.file.truncate(writer.bytes)
      await writer.file.fdatasync()
      throw this.#noRoom(cause)
    }
  }

  #noRoom(cause: unknown): JournalError {
    return new JournalError('full', `The disk of the journal is full: ${messageOf(cause)}`, {
      cause,
      hint: 'Free disk space; the journal then takes events again by itself.',
    })
  }

  async #writerWithRoom(): Promise<SegmentWriter> {
    const current = this.#writer
    const isEmpty = current === undefined || current.bytes <= SEGMENT_HEADER_BYTES
    if (current !== undefined && (isEmpty || current.bytes < this.#o.segmentBytes)) return current
    const { files, folder, shard, master, clock } = this.#o
    let writer: SegmentWriter
    try {
      writer = await createSegment(files, folder, {
        shard,
        first: this.#next,
        now: clock.now(),
        master,
      })
    } catch (cause) {
      // The name only stands once the file is whole; recovery removes what is left of the attempt.
      if (NO_ROOM.has(systemCodeOf(cause) ?? '')) throw this.#noRoom(cause)
      throw cause
    }
    await current?.file.close()
    this.#writer = writer
    // A file of recovery that held no frame had the same name and is replaced.
    if (this.#segments.at(-1)?.first === writer.first) {
      this.#o.capacity.grew(-(this.#segments.pop()?.bytes ?? 0))
    }
    const { first, createdAt, bytes } = writer
    this.#segments.push({ first, createdAt, bytes })
    this.#o.capacity.grew(bytes)
    return writer
  }

  /**
   * Readers of other processes see only what is published; a failure delays them, it loses nothing.
   * One write at a time, so that an older head never overtakes a newer one.
   */
  #publish(): Promise<void> {
    this.#publishing = this.#publishing.then(async () => {
      try {
        await this.#headWriter.publish(this.head)
      } catch (error) {
        this.#o.logger.error({ error: messageOf(error) }, 'Cannot publish the head of the journal.')
      }
    })
    return this.#publishing
  }

  async #truncate(below: Sequence, retentionMs: number, bytesMax: number): Promise<void> {
    const oldest = this.#o.clock.now() - retentionMs
    for (;;) {
      const [segment, following] = this.#segments
      if (segment === undefined || following === undefined || following.first > below) return
      // A segment's last frame is no younger than the next segment.
      const spared = following.createdAt > oldest && this.#o.capacity.bytes <= bytesMax
      if (spared) return
      // First hide it from readers, then remove it.
      this.#segments.shift()
      await this.#publish()
      this.#o.capacity.grew(-segment.bytes)
      await this.#o.files.unlink(`${this.#o.folder}/${segmentName(segment.first)}`)
      await this.#o.files.syncFolder(this.#o.folder)
    }
  }
}

/** Takes a recovered shard over and publishes its head. */
export const openShardAppender = async (
  options: ShardAppenderOptions,
  recovered: RecoveredShard,
): Promise<ShardAppender> => {
  const { segments, next } = recovered
  const last = segments.at(-1)
  const headWriter = await openHeadWriter(options.files, options.folder, {
    first: segments[0]?.first ?? next,
    next,
    segmentFirst: last?.first ?? next,
    segmentBytes: last?.bytes ?? 0,
  })
  return new ShardAppender(options, recovered, headWriter)
}
