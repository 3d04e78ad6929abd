import { crc32 } from 'node:zlib'
import { SEAL_OVERHEAD_BYTES } from '../../platform/encryption.ts'
import { type JournalFile, readAt } from '../files/journal-files.ts'
import { FRAME_BYTES_MAX, type Sequence } from '../journal.ts'
import { decodeFrameHeader, FRAME_HEADER_BYTES, FRAME_MAGIC, type FrameHeader } from './layout.ts'

/** How much of a segment is in memory at a time, unless one frame is longer. */
export const WINDOW_BYTES = 256 * 1024

export interface WalkedFrame {
  readonly kind: 'frame'
  readonly offset: number
  readonly end: number
  readonly header: FrameHeader
  /** The header as stored, and the sealed bytes: valid until the next step. */
  readonly headerBytes: Buffer
  readonly sealed: Buffer
}

/** A stretch that holds no readable frame, where `sequence` should have begun. */
export interface WalkedGap {
  readonly kind: 'gap'
  readonly offset: number
  readonly end: number
  readonly sequence: Sequence
  readonly reason: string
}

export type Walked = WalkedFrame | WalkedGap

/**
 * Steps through the frames of one segment from a known boundary on, holding one window of it in
 * memory. A damaged place comes out as a gap, and the walk goes on at the next sound header.
 */
export class SegmentWalker {
  readonly #file: JournalFile
  readonly #salt: number | undefined
  readonly #limit: number
  #window: Buffer = Buffer.alloc(0)
  #windowAt = 0
  #offset: number
  #sequence: Sequence

  /** `limit`: bytes of the file that may be read. `salt` undefined: the segment's header is lost. */
  constructor(
    file: JournalFile,
    options: { salt: number | undefined; offset: number; sequence: Sequence; limit: number },
  ) {
    this.#file = file
    this.#salt = options.salt
    this.#limit = options.limit
    this.#offset = options.offset
    this.#sequence = options.sequence
  }

  /**
   * The next frame or gap; undefined at the end. `verify` also checks the CRC of the sealed bytes
   * (a frame's own place is known from its header's CRC alone).
   */
  async next(verify: boolean): Promise<Walked | undefined> {
    if (this.#offset >= this.#limit) return undefined
    const offset = this.#offset
    const header = await this.#headerAt(offset)
    if (header === undefined || header.sequence < this.#sequence) return this.#resync(offset)
    if (header.sequence > this.#sequence) {
      const sequence = this.#sequence
      this.#sequence = header.sequence
      return { kind: 'gap', offset, end: offset, sequence, reason: 'frames are missing' }
    }
    const end = offset + FRAME_HEADER_BYTES + header.length
    const bytes = await this.#bytes(offset, end - offset)
    this.#offset = end
    this.#sequence = header.sequence + 1
    const sealed = bytes.subarray(FRAME_HEADER_BYTES)
    if (verify && crc32(sealed) !== header.payloadCrc) {
      return { kind: 'gap', offset, end, sequence: header.sequence, reason: 'the CRC differs' }
    }
    return {
      kind: 'frame',
      offset,
      end,
      header,
      headerBytes: bytes.subarray(0, FRAME_HEADER_BYTES),
      sealed,
    }
  }

  /** A sound header whose frame lies wholly before the limit. */
  async #headerAt(offset: number): Promise<FrameHeader | undefined> {
    if (offset + FRAME_HEADER_BYTES > this.#limit) return undefined
    const header = decodeFrameHeader(await this.#bytes(offset, FRAME_HEADER_BYTES), this.#salt)
    if (header === undefined) return undefined
    const fits = offset + FRAME_HEADER_BYTES + header.length <= this.#limit
    const sane =
      header.length >= SEAL_OVERHEAD_BYTES && header.length <= FRAME_BYTES_MAX + SEAL_OVERHEAD_BYTES
    return fits && sane ? header : undefined
  }

  /** Looks for the next sound header behind a damaged place. */
  async #resync(offset: number): Promise<WalkedGap> {
    const sequence = this.#sequence
    let at = offset + 1
    while (at + FRAME_HEADER_BYTES <= this.#limit) {
      const bytes = await this.#bytes(at, Math.min(WINDOW_BYTES, this.#limit - at))
      const found = bytes.indexOf(FRAME_MAGIC)
      if (found === -1) {
        at += Math.max(1, bytes.length - FRAME_MAGIC.length + 1)
        continue
      }
      at += found
      const header = await this.#headerAt(at)
      if (header !== undefined && header.sequence > sequence) {
        this.#offset = at
        this.#sequence = header.sequence
        return { kind: 'gap', offset, end: at, sequence, reason: 'no sound frame header' }
      }
      at++
    }
    this.#offset = this.#limit
    return { kind: 'gap', offset, end: this.#limit, sequence, reason: 'no sound frame header' }
  }

  /** `length` bytes at `offset`, from the window where they are in it; zeros where the file ends. */
  async #bytes(offset: number, length: number): Promise<Buffer> {
    const start = offset - this.#windowAt
    if (start >= 0 && start + length <= this.#window.length) {
      return this.#window.subarray(start, start + length)
    }
    const wanted = Math.max(length, Math.min(WINDOW_BYTES, this.#limit - offset))
    const read = await readAt(this.#file, offset, wanted)
    this.#window = read.length < wanted ? Buffer.concat([read], wanted) : read
    this.#windowAt = offset
    return this.#window.subarray(0, length)
  }
}
