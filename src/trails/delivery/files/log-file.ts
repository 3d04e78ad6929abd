/**
 * Builds a log file while its events arrive: `{"Records":[…]}` as one gzip member, the events'
 * bytes unchanged. Text is compressed in chunks on the thread pool, so that what is held is the
 * compressed size and one chunk. A chunk ends in a sync flush (RFC 1951 §3.2.4, an empty stored
 * block), so the pieces put together are one deflate stream; the same events, chunk size and levels
 * give the same bytes.
 */
import { createHash, type Hash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'
import type { Compression } from '../chain-state.ts'
import type { ChunkBuffers } from './chunk-buffers.ts'

/** Buffers of new files start small: many regions of many trails have few events. */
const FIRST_BUFFER_BYTES = 4 * 1024
/** Room for the event that completes a chunk; a larger one makes its buffer grow. */
const CHUNK_ROOM_BYTES = 16 * 1024
/** What is compressed is this much smaller at least; more takes another round of the thread pool. */
const RATIO_MIN = 3

/** RFC 1952 §2.3: deflate, no name, no time, made on Unix: nothing that could differ on a repeat. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
const OPENING = Buffer.from('{"Records":[')
const CLOSING = Buffer.from(']}')
const COMMA = 0x2c
const NOTHING = Buffer.alloc(0)

const deflate = promisify(deflateRaw)

/** Counts the bytes that all open files hold. */
export interface MemoryBudget {
  held: number
  /** For the chunks behind the first one of a file. */
  readonly buffers: ChunkBuffers
}

/** How a file is compressed while it is being filled. */
export interface Compressing {
  /** Uncompressed; far above deflate's window of 32 KiB, so that the ratio stays. */
  readonly chunkBytes: number
  /** gzip level, 1 to 9, of the chunk of this number. */
  readonly level: (chunk: number) => number
}

/** Of plans that do not say it: they were made so. */
const FIRST_COMPRESSION: Compression = { chunkBytes: 256 * 1024, levels: '6' }

/** The same again; a chunk more than last time has the level of the last one. */
export const compressingAgain = (given: Compression = FIRST_COMPRESSION): Compressing => ({
  chunkBytes: given.chunkBytes,
  level: (chunk) => Number(given.levels[chunk] ?? given.levels.at(-1) ?? 6),
})

export interface FinishedFile {
  readonly body: Buffer
  /** Hex, of the uncompressed bytes. */
  readonly sha256: string
  /** Uncompressed. */
  readonly bytes: number
}

export class LogFileBuilder {
  readonly #compressing: Compressing
  readonly #budget: MemoryBudget
  readonly #sha256: Hash = createHash('sha256')
  readonly #parts: Promise<Buffer>[] = []
  #crc = 0
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  #filled = 0
  #bytes = 0
  #events = 0
  #held = 0
  #digest: string | undefined
  #levels = ''

  constructor(compressing: Compressing, budget: MemoryBudget) {
    this.#compressing = compressing
    this.#budget = budget
    this.#append(OPENING)
  }

  /** Uncompressed bytes that the file would have with `more` bytes of event text. */
  bytesWith(more: number): number {
    return this.#bytes + more + 1 + CLOSING.length
  }

  get events(): number {
    return this.#events
  }

  get sealed(): boolean {
    return this.#digest !== undefined
  }

  /** As it was compressed so far. */
  get compression(): Compression {
    return { chunkBytes: this.#compressing.chunkBytes, levels: this.#levels }
  }

  /** Memory, bytes. */
  get held(): number {
    return this.#held
  }

  /** Copies `text`, so that the frame it came in is not kept alive. */
  add(text: Buffer): void {
    if (this.#events > 0) {
      this.#reserve(1)
      this.#buffer[this.#filled++] = COMMA
      this.#bytes++
    }
    this.#events++
    this.#append(text)
    if (this.#filled >= this.#compressing.chunkBytes) this.#compress(constants.Z_SYNC_FLUSH)
  }

  /** Ends the file: nothing can be added any more. Returns the hex SHA-256; may be repeated. */
  seal(): { readonly sha256: string; readonly bytes: number } {
    if (this.#digest === undefined) {
      this.#append(CLOSING)
      this.#compress(constants.Z_FINISH)
      this.#digest = this.#sha256.digest('hex')
    }
    return { sha256: this.#digest, bytes: this.#bytes }
  }

  /** The whole object; may be repeated. */
  async finish(): Promise<FinishedFile> {
    const { sha256, bytes } = this.seal()
    const trailer = Buffer.alloc(8)
    trailer.writeUInt32LE(this.#crc, 0)
    trailer.writeUInt32LE(bytes % 2 ** 32, 4)
    const body = Buffer.concat([GZIP_HEADER, ...(await Promise.all(this.#parts)), trailer])
    return { body, sha256, bytes }
  }

  /** Gives the memory back to the budget. */
  release(): void {
    this.#hold(-this.#held)
    this.#parts.length = 0
  }

  /** Resolves when nothing is being compressed. */
  async idle(): Promise<void> {
    await Promise.all(this.#parts)
  }

  get #chunkBufferBytes(): number {
    return this.#compressing.chunkBytes + CHUNK_ROOM_BYTES
  }

  #hold(bytes: number): void {
    this.#held += bytes
    this.#budget.held += bytes
  }

  #reserve(more: number): void {
    const needed = this.#filled + more
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#filled)
    this.#buffer = grown
  }

  #append(text: Buffer): void {
    this.#reserve(text.length)
    text.copy(this.#buffer, this.#filled)
    this.#filled += text.length
    this.#bytes += text.length
    this.#hold(text.length)
  }

  #compress(finishFlush: number): void {
    const chunk = this.#buffer.subarray(0, this.#filled)
    this.#sha256.update(chunk)
    this.#crc = crc32(chunk, this.#crc)
    const level = this.#compressing.level(this.#parts.length)
    this.#levels += level
    const chunkSize = Math.max(FIRST_BUFFER_BYTES, Math.ceil(chunk.length / RATIO_MIN))
    const buffer = this.#buffer
    const part = deflate(chunk, { level, finishFlush, chunkSize }).then((compressed) => {
      if (this.#held > 0) this.#hold(compressed.length - chunk.length)
      if (buffer.length === this.#chunkBufferBytes) this.#budget.buffers.give(buffer)
      // zlib's own is a part of a buffer of `chunkSize`.
      const exact = Buffer.allocUnsafeSlow(compressed.length)
      compressed.copy(exact)
      return exact
    })
    // `finish` reports the error; until then it must not count as unhandled.
    part.catch(() => {})
    this.#parts.push(part)
    const last = finishFlush === constants.Z_FINISH
    this.#buffer = last ? NOTHING : this.#budget.buffers.take(this.#chunkBufferBytes)
    this.#filled = 0
  }
}
