/**
 * Where events wait while the journal cannot take them. The spool is a segment journal of its own,
 * with one shard, in a folder that may lie on another file system: the same group commit, encryption,
 * bounds and recovery (docs/formats/journal.md, "Spool"). Each entry notes how far the journal was
 * before the event was tried, so that draining finds by itself what the journal has already.
 */
import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { uuid } from '../../platform/ids.ts'
import type { Logger } from '../../platform/logger.ts'
import type { JournalFiles } from '../files/journal-files.ts'
import type { JournalError, Sequence, Shard } from '../journal.ts'
import { scanFrames } from '../scan.ts'
import { openSegmentJournal, type SegmentJournal } from '../segment-journal.ts'
import { decodeSpoolRecord, encodeSpoolRecord } from './spool-record.ts'

export const SPOOL_BYTES_MAX_DEFAULT = 512 * 1024 * 1024
/** The spool may use more of its disk than the journal, which stops at 95 %. */
const SPOOL_DISK_SHARE = 0.99
const SPOOL_SEGMENT_BYTES = 8 * 1024 * 1024

/** Events frame of one shard that the journal did not take. */
export interface SpoolEntry {
  /** Of the spool. */
  readonly position: Sequence
  readonly shard: Shard
  /** The journal did not hold the events below this sequence. */
  readonly from: Sequence
  readonly frame: Buffer
}

export interface Spool {
  /** Entries that are not drained yet. */
  readonly waiting: number
  /** Resolves, never rejects, when the spool closed itself after a failed write. */
  readonly failed: Promise<JournalError>
  /** Durable when it resolves; rejects with JournalError (`full`, `unknown`, `closed`). */
  put(shard: Shard, from: Sequence, frame: Uint8Array): Promise<void>
  /** The entries that are waiting now, oldest first. */
  entries(): AsyncGenerator<SpoolEntry>
  /** Entries up to `position` are durable in the journal: they are forgotten and their files removed. */
  drained(position: Sequence): Promise<void>
  /** Truncation of the journal must spare frames from here on; undefined: nothing waits. */
  lowestNoted(shard: Shard): Sequence | undefined
  close(): Promise<void>
}

class JournalSpool implements Spool {
  readonly #journal: SegmentJournal
  /** Position, shard and note of each entry that waits, in order. */
  readonly #waiting: Map<Sequence, { shard: Shard; from: Sequence }>

  constructor(journal: SegmentJournal, waiting: Map<Sequence, { shard: Shard; from: Sequence }>) {
    this.#journal = journal
    this.#waiting = waiting
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get failed(): Promise<JournalError> {
    return this.#journal.failed
  }

  async put(shard: Shard, from: Sequence, frame: Uint8Array): Promise<void> {
    const record = encodeSpoolRecord({ kind: 'entry', shard, from, frame })
    const position = await this.#journal.append(0, record, uuid())
    this.#waiting.set(position, { shard, from })
  }

  async *entries(): AsyncGenerator<SpoolEntry> {
    const [first] = this.#waiting.keys()
    if (first === undefined) return
    const { next } = await this.#journal.range(0)
    for await (const { sequence, bytes } of scanFrames(this.#journal, 0, first, next)) {
      const record = decodeSpoolRecord(bytes)
      if (record.kind === 'entry') yield { position: sequence, ...record }
    }
  }

  async drained(position: Sequence): Promise<void> {
    const record = encodeSpoolRecord({ kind: 'drained', position })
    const mark = await this.#journal.append(0, record, uuid())
    for (const each of this.#waiting.keys()) {
      if (each > position) break
      this.#waiting.delete(each)
    }
    const [next] = this.#waiting.keys()
    await this.#journal.truncate(0, next ?? mark)
  }

  lowestNoted(shard: Shard): Sequence | undefined {
    let lowest: Sequence | undefined
    for (const entry of this.#waiting.values()) {
      if (entry.shard === shard) lowest = Math.min(entry.from, lowest ?? entry.from)
    }
    return lowest
  }

  close(): Promise<void> {
    return this.#journal.close()
  }
}

export interface SpoolOptions {
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
  readonly maxBytes?: number
  readonly files?: JournalFiles
}

/**
 * Opens or creates the spool. Rejects as `openSegmentJournal` does. What its recovery found damaged
 * is logged there.
 */
export const openSpool = async (folder: string, options: SpoolOptions): Promise<Spool> => {
  const { maxBytes = SPOOL_BYTES_MAX_DEFAULT, logger, ...rest } = options
  const journal = await openSegmentJournal(folder, {
    ...rest,
    logger: logger.child({ spool: folder }),
    shards: 1,
    maxBytes,
    retentionMs: 0,
    segmentBytes: SPOOL_SEGMENT_BYTES,
    diskFullShare: SPOOL_DISK_SHARE,
  })
  try {
    const waiting = new Map<Sequence, { shard: Shard; from: Sequence }>()
    const { first, next } = await journal.range(0)
    for await (const { sequence, bytes } of scanFrames(journal, 0, first, next)) {
      const record = decodeSpoolRecord(bytes)
      if (record.kind === 'entry') waiting.set(sequence, { shard: record.shard, from: record.from })
      else for (const each of waiting.keys()) if (each <= record.position) waiting.delete(each)
    }
    return new JournalSpool(journal, waiting)
  } catch (error) {
    await journal.close()
    throw error
  }
}
