import type { MasterKey } from '../../platform/encryption.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import type { JournalFiles } from '../files/journal-files.ts'
import { JournalError, type Sequence, type Shard, type StoredFrame } from '../journal.ts'
import { type Head, segmentFirstOf, segmentName } from './layout.ts'
import { openSegment, type Segment, type SegmentFrames } from './segment.ts'

/** Segment files that a shard's reader keeps open; each reader of a shard is usually in one or two. */
const OPEN_SEGMENTS_MAX = 8

/** Reads a shard's frames below its head, in the appending process and in others. */
export interface ShardReader {
  read(from: Sequence, limit: number, bytesMax: number): Promise<StoredFrame[]>
  nextReadable(from: Sequence): Promise<Sequence>
  close(): Promise<void>
}

export const truncatedError = (shard: Shard, from: Sequence, first: Sequence): JournalError =>
  new JournalError(
    'truncated',
    `Shard ${shard} begins at sequence ${first}; ${from} is no longer kept.`,
    { hint: 'A consumer fell behind by more than the journal keeps: raise journal.maxBytes.' },
  )

const corruptError = (shard: Shard, sequence: Sequence): JournalError =>
  new JournalError('corrupt', `Sequence ${sequence} of shard ${shard} cannot be read.`, {
    hint: 'Run `clew fsck`: it names the file and what was lost.',
  })

/** An open segment; closed once nobody reads in it and it is no longer among the open ones. */
interface Held {
  readonly opening: Promise<Segment | undefined>
  users: number
  dropped: boolean
}

interface Extent {
  readonly first: Sequence
  /** First sequence of the next segment, or the head's `next`. */
  readonly end: Sequence
}

class SegmentShardReader implements ShardReader {
  readonly #files: JournalFiles
  readonly #folder: string
  readonly #shard: Shard
  readonly #master: MasterKey
  readonly #head: () => Promise<Head>
  readonly #open = new Map<Sequence, Held>()
  /** First sequences of the segment files, ascending, as last listed. */
  #firsts: Sequence[] = []

  constructor(options: ShardReaderOptions) {
    this.#files = options.files
    this.#folder = options.folder
    this.#shard = options.shard
    this.#master = options.master
    this.#head = options.head
  }

  async read(from: Sequence, limit: number, bytesMax: number): Promise<StoredFrame[]> {
    const head = await this.#head()
    if (from < head.first) throw truncatedError(this.#shard, from, head.first)
    const frames: StoredFrame[] = []
    let bytes = 0
    let next = from
    while (next < head.next && frames.length < limit && (bytes < bytesMax || frames.length === 0)) {
      const part = await this.#part(head, next, limit - frames.length, bytesMax - bytes)
      for (const frame of part.frames) {
        frames.push(frame)
        bytes += frame.bytes.length
      }
      next += part.frames.length
      if (part.resumeAt !== undefined) break
    }
    // `from` lies below `next`, so that nothing read means a damaged place, or a racing truncation.
    if (frames.length === 0 && next < head.next && limit > 0) {
      const { first } = await this.#head()
      throw from < first
        ? truncatedError(this.#shard, from, first)
        : corruptError(this.#shard, from)
    }
    return frames
  }

  async nextReadable(from: Sequence): Promise<Sequence> {
    const head = await this.#head()
    let sequence = Math.max(from, head.first)
    while (sequence < head.next) {
      const part = await this.#part(head, sequence, 1, 1)
      if (part.frames.length > 0) return sequence
      sequence = Math.max(sequence + 1, part.resumeAt ?? 0)
    }
    return head.next
  }

  async close(): Promise<void> {
    const open = [...this.#open]
    for (const [first, held] of open) this.#drop(first, held)
    await Promise.allSettled(open.map(([, held]) => held.opening))
  }

  /** What the one segment that holds `from` has to offer. */
  async #part(head: Head, from: Sequence, limit: number, bytesMax: number): Promise<SegmentFrames> {
    const extent = await this.#extent(head, from)
    if (extent.first > from || extent.end <= from) {
      return { frames: [], resumeAt: Math.max(extent.first, from + 1) }
    }
    const held = this.#hold(extent.first)
    try {
      const segment = await held.opening
      if (segment === undefined) return { frames: [], resumeAt: extent.end }
      const active = extent.first === head.segmentFirst
      const limitBytes = active ? head.segmentBytes : await segment.size()
      return await segment.read(from, extent.end, limitBytes, limit, bytesMax)
    } catch (error) {
      // A lost file is a gap in the sequence; anything else (EIO, a wrong key) is to be repaired.
      if (systemCodeOf(error) === 'ENOENT') return { frames: [], resumeAt: extent.end }
      throw error
    } finally {
      held.users--
      if (held.dropped) this.#closeUnused(held)
    }
  }

  /** The segment that `from` belongs to; lists the folder anew where it is not yet known. */
  async #extent(head: Head, from: Sequence): Promise<Extent> {
    const firsts = this.#firsts
    const known = firsts.at(-1) === head.segmentFirst && (firsts[0] ?? 0) >= head.first
    if (!known) await this.#list(head)
    let index = this.#firsts.findLastIndex((first) => first <= from)
    if (index === -1) index = 0
    const first = this.#firsts[index] ?? head.next
    return { first, end: Math.min(this.#firsts[index + 1] ?? head.next, head.next) }
  }

  async #list(head: Head): Promise<void> {
    const firsts = (await this.#files.list(this.#folder))
      .map(segmentFirstOf)
      .filter((first) => first !== undefined)
    // A segment that was created just now and has nothing durable yet is not part of this head.
    this.#firsts = firsts.filter((first) => first >= head.first && first <= head.segmentFirst)
    for (const [first, held] of this.#open) {
      if (!firsts.includes(first)) this.#drop(first, held)
    }
  }

  #hold(first: Sequence): Held {
    const known = this.#open.get(first)
    if (known !== undefined) {
      known.users++
      this.#open.delete(first)
      this.#open.set(first, known)
      return known
    }
    const path = `${this.#folder}/${segmentName(first)}`
    const opening = openSegment(this.#files, path, this.#master)
    const held = { opening, users: 1, dropped: false }
    opening.catch(() => this.#open.delete(first)) // the caller gets the error; do not remember it
    this.#open.set(first, held)
    for (const [oldest, each] of this.#open) {
      if (this.#open.size <= OPEN_SEGMENTS_MAX) break
      this.#drop(oldest, each)
    }
    return held
  }

  #drop(first: Sequence, held: Held): void {
    this.#open.delete(first)
    held.dropped = true
    this.#closeUnused(held)
  }

  #closeUnused(held: Held): void {
    if (held.users > 0) return
    // A failure to open was told to the reader that wanted it; one to close a read handle is harmless.
    held.opening.then((segment) => segment?.close()).catch(() => {})
  }
}

export interface ShardReaderOptions {
  readonly files: JournalFiles
  /** The shard's own folder. */
  readonly folder: string
  readonly shard: Shard
  readonly master: MasterKey
  /** What may be read now. */
  readonly head: () => Promise<Head>
}

export const createShardReader = (options: ShardReaderOptions): ShardReader =>
  new SegmentShardReader(options)
