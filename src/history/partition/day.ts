import { type AttributeHashes, scopedKey } from '../attribute-hashes.ts'
import { HistoryError } from '../history-error.ts'
import type { BatchDraft, DayIndex } from '../key-index/day-index.ts'
import type { StoredEvent } from './block-codec.ts'
import type { BlockPacker } from './block-packer.ts'
import type { BlockReader } from './block-reader.ts'
import { BlockWriter } from './block-writer.ts'
import { KnownTexts } from './known-texts.ts'
import type { PreparedEvent } from './prepared-event.ts'
import { type DayContext, openDayFiles } from './recovery.ts'

export interface StoreResult {
  readonly stored: number
  /** Same eventID, same text: dropped. */
  readonly repeats: number
  /** Ids of events kept though another text has the same eventID. */
  readonly changed: readonly string[]
  /** Bytes of text stored. */
  readonly bytes: number
}

const NONE: readonly StoredEvent[] = []

/**
 * Stored events that one eventID is compared with, once a batch, and those of a whole batch. Usual
 * logs have one or none. Beyond these a repeat is stored a second time: that costs room, whereas an
 * event that is dropped for want of a comparison would be lost.
 */
const TWINS_MAX = 1_000
const TWINS_PER_BATCH_MAX = 32_768

/** One UTC day, open for writing. One `store` at a time. */
export class Day {
  readonly name: string
  readonly #index: DayIndex
  readonly #writer: BlockWriter
  readonly #reader: BlockReader
  #sound = true

  private constructor(name: string, index: DayIndex, writer: BlockWriter, reader: BlockReader) {
    this.name = name
    this.#index = index
    this.#writer = writer
    this.#reader = reader
  }

  /** Recovers the day first. Creates it where it does not exist. */
  static async open(
    context: DayContext & { hashes: AttributeHashes },
    reader: BlockReader,
    packer: BlockPacker,
  ): Promise<Day> {
    const { index, file, lastNumber } = await openDayFiles(context)
    const folder = `${context.history}/${context.day}`
    const { day, master } = context
    const writer = new BlockWriter({ folder, day, master, packer, file, lastNumber })
    return new Day(day, index, writer, reader)
  }

  /** False after an error that leaves blocks and index possibly apart: close it and open it anew. */
  get sound(): boolean {
    return this.#sound
  }

  /** Tidies the index of a day that is not written at present. False when there was nothing to do. */
  settle(): boolean {
    try {
      return this.#index.settle()
    } catch (error) {
      this.#sound = false
      throw error
    }
  }

  /** Gives back the memory that writing took. */
  rest(): void {
    this.#index.rest()
  }

  /**
   * Blocks first, durable; then the index, in one transaction; then readers of any process see the
   * events. Whatever of the batch is here already is dropped, so that it may be repeated at will.
   */
  async store(batch: readonly PreparedEvent[]): Promise<StoreResult> {
    const changed: string[] = []
    this.#index.wake()
    const fresh = this.#withoutRepeats(batch, changed)
    const repeats = batch.length - fresh.length
    if (fresh.length === 0) return { stored: 0, repeats, changed, bytes: 0 }
    // The index's part is sorted while the blocks are packed and become durable.
    const appending = this.#writer.append(fresh.map(({ event }) => event))
    const drafting = this.#draft(fresh)
    const [appended, drafted] = await Promise.allSettled([appending, drafting])
    if (appended.status === 'rejected') throw appended.reason
    try {
      if (drafted.status === 'rejected') throw drafted.reason
      const { locations, file, end } = appended.value
      this.#index.insert(drafted.value, locations, { file, bytes: end })
      this.#index.merge()
    } catch (error) {
      this.#sound = false
      throw error
    }
    const bytes = fresh.reduce((sum, { event }) => sum + event.text.length, 0)
    return { stored: fresh.length, repeats, changed, bytes }
  }

  async #draft(fresh: readonly PreparedEvent[]): Promise<BatchDraft> {
    return this.#index.draft(fresh.map(({ entry }) => entry))
  }

  #withoutRepeats(batch: readonly PreparedEvent[], changed: string[]): PreparedEvent[] {
    const fresh: PreparedEvent[] = []
    const known = new Map<number, KnownTexts>()
    let readable = TWINS_PER_BATCH_MAX
    for (const prepared of batch) {
      const { event, entry } = prepared
      const key = scopedKey(entry.idKey, entry.scope)
      let texts = known.get(key)
      if (texts === undefined) {
        texts = new KnownTexts()
        known.set(key, texts)
        const twins = this.#stored(prepared, Math.min(readable, TWINS_MAX))
        readable -= twins.length
        for (const twin of twins) texts.remember(twin)
      }
      const found = texts.find(event)
      if (found === 'repeat') continue
      if (found === 'changed') changed.push(event.eventId)
      texts.remember(event)
      fresh.push(prepared)
    }
    return fresh
  }

  #stored({ entry }: PreparedEvent, most: number): readonly StoredEvent[] {
    try {
      const locations = this.#index.locationsOf(entry.idKey, entry.scope, most)
      return locations.length === 0 ? NONE : locations.flatMap((location) => this.#read(location))
    } catch (error) {
      this.#sound = false
      throw error
    }
  }

  /** A damaged block proves nothing: better to keep an event twice than to drop one. */
  #read(location: number): StoredEvent[] {
    try {
      return [this.#reader.eventAt(this.name, location)]
    } catch (error) {
      if (error instanceof HistoryError && error.code === 'damaged-block') return []
      throw error
    }
  }

  async close(): Promise<void> {
    try {
      await this.#writer.close()
    } finally {
      this.#index.close(this.#sound)
    }
  }
}
