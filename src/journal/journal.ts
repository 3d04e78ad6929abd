/**
 * Durable order. A journal is a few shards; a shard is one dense run of frames numbered from 1.
 * Implementations: `segment-journal.ts` (files of this machine); NATS JetStream later. Every one
 * runs test/contracts/journal.ts. Nothing above this interface may assume one shard, a local
 * file, or that the process that appends is the one that reads.
 */
import { CodedError } from '../platform/errors.ts'

/** Position of a frame in its shard: dense, from 1. An event's address is (shard, sequence, index). */
export type Sequence = number
export type Shard = number

/** The longest frame that a journal takes: 8 MiB of texts and their index. */
export const FRAME_BYTES_MAX = 8 * 1024 * 1024 + 64 * 1024

export interface StoredFrame {
  readonly sequence: Sequence
  /** Exactly the bytes that were appended. */
  readonly bytes: Buffer
}

/**
 * - `unknown`: the outcome of an append is not known; repeat it with the same id.
 * - `full`: the journal's or the disk's limit is reached; nothing was written.
 * - `too-large`: the frame exceeds the limit; nothing was written.
 * - `closed`: the journal was closed, or closed itself after a failed fdatasync.
 * - `truncated`: `read` below the first sequence that is kept.
 * - `corrupt`: bytes on disk that cannot be read; `locked`: another process appends.
 * - `unsupported`: a newer version of Clew wrote the files.
 */
export type JournalErrorCode =
  | 'unknown'
  | 'full'
  | 'too-large'
  | 'closed'
  | 'truncated'
  | 'corrupt'
  | 'locked'
  | 'unsupported'

export class JournalError extends CodedError<JournalErrorCode> {}

export interface JournalReader {
  readonly shards: readonly Shard[]
  /**
   * Frames from `from` on, contiguous, at most `limit` frames and about `bytesMax` bytes (at least
   * one frame where there is one). `[]` at the end. MUST throw `truncated` below the first kept
   * sequence, `corrupt` where `from` itself cannot be read (an unreadable frame further on ends the
   * answer before it), and MUST NOT return a frame whose append is not durable.
   */
  read(shard: Shard, from: Sequence, limit: number, bytesMax: number): Promise<StoredFrame[]>
  /** The lowest sequence from `from` on that can be read; `next` of the range where there is none. */
  nextReadable(shard: Shard, from: Sequence): Promise<Sequence>
  /** `first`: the lowest kept; `next`: the one the next append gets. `next` survives truncation. */
  range(shard: Shard): Promise<{ first: Sequence; next: Sequence }>
  /** Resolves once `next > after + 1`, that is when a frame behind `after` can be read. */
  wait(shard: Shard, after: Sequence, signal: AbortSignal): Promise<void>
}

export interface JournalAppender {
  /**
   * Resolves with the frame's sequence only after it is durable (fdatasync; a majority in a
   * cluster). The same `id` within two minutes returns the same sequence and stores nothing, so an
   * append whose outcome is unknown is repeated.
   */
  append(shard: Shard, frame: Uint8Array, id: string): Promise<Sequence>
}

export interface Journal extends JournalReader, JournalAppender {
  /** Frames below `below` may be dropped (whole segments; more may be kept). */
  truncate(shard: Shard, below: Sequence): Promise<void>
  close(): Promise<void>
}
