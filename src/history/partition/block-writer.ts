import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../platform/durable-files.ts'
import type { Cipher, MasterKey } from '../../platform/encryption.ts'
import { HistoryError } from '../history-error.ts'
import {
  BLOCK_EVENTS_MAX,
  BLOCK_TEXT_BYTES,
  FILE_HEADER_BYTES,
  newBlockFile,
  packBlock,
  plainBlock,
  type StoredEvent,
  sealBlock,
} from './block-codec.ts'
import type { BlockPacker } from './block-packer.ts'
import { BLOCK_FILES_MAX, blockFileName, locationOf } from './layout.ts'

/** A file that is longer gets no further batch: recovery and fsck read files whole. */
const FILE_BYTES = 67_108_864
/** Blocks of a batch from which on other threads pack them; fewer are done sooner at once. */
const PACKED_ASIDE_FROM = 8
const NOTHING = Buffer.alloc(0)

/** An open block file; everything before `durable` is on disk and belongs to events. */
export interface OpenFile {
  readonly number: number
  readonly handle: FileHandle
  readonly cipher: Cipher
  durable: number
}

export interface Appended {
  /** One per event, in their order. */
  readonly locations: readonly number[]
  readonly file: number
  /** Length of the file with the batch. */
  readonly end: number
}

/** Cuts events into runs of at most BLOCK_EVENTS_MAX events and about BLOCK_TEXT_BYTES bytes. */
const runsOf = (events: readonly StoredEvent[]): StoredEvent[][] => {
  const runs: StoredEvent[][] = []
  let run: StoredEvent[] = []
  let bytes = 0
  for (const event of events) {
    const full = run.length === BLOCK_EVENTS_MAX || bytes + event.text.length > BLOCK_TEXT_BYTES
    if (run.length > 0 && full) {
      runs.push(run)
      run = []
      bytes = 0
    }
    run.push(event)
    bytes += event.text.length
  }
  if (run.length > 0) runs.push(run)
  return runs
}

/** Appends blocks to the newest block file of one day. One call at a time. */
export class BlockWriter {
  readonly #folder: string
  readonly #day: string
  readonly #master: MasterKey
  readonly #packer: BlockPacker
  #file: OpenFile | undefined
  #lastNumber: number
  /** A failed append may have left bytes behind `durable`. */
  #dirty = false

  /** `file`: the newest file when it may be appended to; `lastNumber`: the newest that exists. */
  constructor(options: {
    folder: string
    day: string
    master: MasterKey
    packer: BlockPacker
    file: OpenFile | undefined
    lastNumber: number
  }) {
    this.#folder = options.folder
    this.#day = options.day
    this.#master = options.master
    this.#packer = options.packer
    this.#file = options.file
    this.#lastNumber = options.lastNumber
  }

  /**
   * Durable when it resolves. When it throws (`write-failed`) none of the batch is stored: what
   * reached the file is cut off, now or before the next append. The pages of a failed fdatasync
   * are written anew, so that no later one vouches for them.
   */
  async append(events: readonly StoredEvent[]): Promise<Appended> {
    try {
      const runs = runsOf(events)
      const packed = await this.#pack(runs)
      const file = await this.#writable()
      const locations: number[] = []
      const blocks: Buffer[] = []
      let end = file.durable
      for (const [at, run] of runs.entries()) {
        const place = { day: this.#day, file: file.number, offset: end }
        const block = sealBlock(packed[at] ?? NOTHING, run.length, place, file.cipher)
        for (let slot = 0; slot < run.length; slot++) {
          locations.push(locationOf(file.number, end, slot))
        }
        blocks.push(block)
        end += block.length
      }
      await this.#write(file, Buffer.concat(blocks))
      file.durable = end
      return { locations, file: file.number, end }
    } catch (cause) {
      throw new HistoryError('write-failed', `History of ${this.#day} cannot be written.`, {
        cause,
        hint: 'Free space on the data folder’s disk; the writer retries by itself.',
      })
    }
  }

  #pack(runs: readonly StoredEvent[][]): Buffer[] | Promise<Buffer[]> {
    if (runs.length < PACKED_ASIDE_FROM) return runs.map(packBlock)
    return this.#packer.pack(runs.length, (at, scratch) => plainBlock(runs[at] ?? [], scratch))
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }

  async #write(file: OpenFile, bytes: Buffer): Promise<void> {
    this.#dirty = true
    try {
      let done = 0
      while (done < bytes.length) {
        const position = file.durable + done
        const { bytesWritten } = await file.handle.write(bytes, done, undefined, position)
        done += bytesWritten
      }
      await file.handle.datasync()
      this.#dirty = false
    } catch (error) {
      await this.#cut(file)
      throw error
    }
  }

  /** Best effort: `#dirty` stays set where it fails, and the next append tries again. */
  async #cut(file: OpenFile): Promise<void> {
    try {
      await file.handle.truncate(file.durable)
      await file.handle.datasync()
      this.#dirty = false
    } catch {
      this.#dirty = true
    }
  }

  async #writable(): Promise<OpenFile> {
    const current = this.#file
    if (current !== undefined && this.#dirty) {
      await current.handle.truncate(current.durable)
      await current.handle.datasync()
      this.#dirty = false
    }
    if (current !== undefined && current.durable < FILE_BYTES) return current
    this.#file = undefined
    await current?.handle.close()
    this.#file = await this.#create()
    return this.#file
  }

  async #create(): Promise<OpenFile> {
    const number = this.#lastNumber + 1
    if (number > BLOCK_FILES_MAX) throw new RangeError(`More than ${BLOCK_FILES_MAX} block files.`)
    const path = join(this.#folder, blockFileName(number))
    const handle = await open(path, 'wx+', 0o600)
    try {
      const { header, cipher } = newBlockFile(this.#master)
      await handle.write(header, 0, header.length, 0)
      await handle.datasync()
      await syncFolder(this.#folder)
      this.#lastNumber = number
      return { number, handle, cipher, durable: FILE_HEADER_BYTES }
    } catch (error) {
      await handle.close()
      // Otherwise the next attempt would find the name taken; recovery removes it too.
      await unlink(path).catch(() => {})
      throw error
    }
  }
}
