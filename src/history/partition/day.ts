import type { AttributeHashes } from '../attribute-hashes.ts'
import { HistoryError } from '../history-error.ts'
import type { BatchDraft, DayIndex } from '../key-index/day-index.ts'
import type { StoredEvent } from './block-codec.ts'
import type { BlockPacker } from './block-packer.ts'
import type { BlockReader } from './block-reader.ts'
import { BlockWriter } from './block-writer.ts'

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
    const inBatch = new Map<number, StoredEvent[]>()
    for (const prepared of batch) {
      const { event, entry } = prepared
      const here = inBatch.get(entry.idKey)
      const stored = this.#stored(prepared)
      if (here !== undefined || stored.length > 0) {
        const same = [...(here ?? []), ...stored].filter((twin) => twin.eventId === event.eventId)
        // Equal bytes say the same as equal SHA-256 of them.
        if (same.some((twin) => twin.text.equals(event.text))) continue
        if (same.length > 0) changed.push(event.eventId)
      }
      if (here === undefined) inBatch.set(entry.idKey, [event])
      else here.push(event)
      fresh.push(prepared)
    }
    return fresh
  }

  #stored({ entry }: PreparedEvent): readonly StoredEvent[] {
    try {
      const locations = this.#index.locationsOf(entry.idKey, entry.scope)
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
