import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Cipher, MasterKey } from '../../platform/encryption.ts'
import { WeightedCache } from '../block-cache.ts'
import { HistoryError } from '../history-error.ts'
import {
  BLOCK_HEADER_BYTES,
  cipherOfHeader,
  decodeBlock,
  FILE_HEADER_BYTES,
  intactBlockAt,
  type StoredEvent,
} from './block-codec.ts'
import { blockFileName, placeOfLocation } from './layout.ts'

/** Block files whose data key is remembered. */
const CIPHERS_MAX = 512
/** No block is as long: a damaged length must not become a buffer of gigabytes. */
const SEALED_BYTES_MAX = 268_435_456

/** `length` bytes from `position`; fewer at the end of the file. */
const readAt = (file: number, length: number, position: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const read = readSync(file, bytes, done, length - done, position + done)
    if (read === 0) break
    done += read
  }
  return bytes.subarray(0, done)
}

/**
 * Reads events out of block files. It holds no file open: a block costs three small reads, which the
 * page cache answers in microseconds, and a day may be deleted at any time. Reads are synchronous as
 * those of SQLite around them are. System errors (ENOENT when a day is gone) pass through.
 */
export class BlockReader {
  readonly #history: string
  readonly #master: MasterKey
  readonly #blocks: WeightedCache<readonly StoredEvent[]>
  readonly #ciphers = new WeightedCache<Cipher>(CIPHERS_MAX)

  constructor(history: string, master: MasterKey, cacheBytes: number) {
    this.#history = history
    this.#master = master
    this.#blocks = new WeightedCache(cacheBytes)
  }

  /** The event at a location of the index. Throws `damaged-block` and EncryptionError. */
  eventAt(day: string, location: number): StoredEvent {
    const { file, offset, slot } = placeOfLocation(location)
    const key = `${day}/${file}/${offset}`
    let events = this.#blocks.get(key)
    if (events === undefined) {
      events = this.#load(day, file, offset)
      const weight = events.reduce((sum, event) => sum + event.text.length + 256, 0)
      this.#blocks.set(key, events, weight)
    }
    const event = events[slot]
    if (event === undefined) throw this.#damaged(day, file, offset)
    return event
  }

  #damaged(day: string, file: number, offset: number): HistoryError {
    const name = join(day, blockFileName(file))
    return new HistoryError('damaged-block', `${name}: no intact block at byte ${offset}.`, {
      hint: 'Run `clew fsck`; the trails’ log files still hold these events.',
    })
  }

  #load(day: string, file: number, offset: number): StoredEvent[] {
    const descriptor = openSync(join(this.#history, day, blockFileName(file)), 'r')
    try {
      const cipher = this.#cipherOf(day, file, descriptor)
      const header = readAt(descriptor, BLOCK_HEADER_BYTES, offset)
      if (cipher === undefined || header.length < BLOCK_HEADER_BYTES) {
        throw this.#damaged(day, file, offset)
      }
      const sealedBytes = header.readUInt32BE(4)
      if (sealedBytes > SEALED_BYTES_MAX) throw this.#damaged(day, file, offset)
      const block = readAt(descriptor, BLOCK_HEADER_BYTES + sealedBytes, offset)
      if (intactBlockAt(block, 0) !== block.length) throw this.#damaged(day, file, offset)
      return decodeBlock(block, { day, file, offset }, cipher)
    } finally {
      closeSync(descriptor)
    }
  }

  #cipherOf(day: string, file: number, descriptor: number): Cipher | undefined {
    const key = `${day}/${file}`
    const known = this.#ciphers.get(key)
    if (known !== undefined) return known
    const cipher = cipherOfHeader(readAt(descriptor, FILE_HEADER_BYTES, 0), this.#master)
    if (cipher !== undefined) this.#ciphers.set(key, cipher, 1)
    return cipher
  }
}
