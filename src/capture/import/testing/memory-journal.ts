/** A journal in memory: what an import appends, and what settling reads. */
import type { SealedEvent } from '../../../event/sealed-event.ts'
import { decodeFrame } from '../../../journal/frame-codec.ts'
import type { JournalReader, Sequence, Shard, StoredFrame } from '../../../journal/journal.ts'

export class MemoryJournal implements JournalReader {
  readonly shards: readonly Shard[]
  readonly #frames: Buffer[][]
  readonly #first: Sequence[]

  constructor(shards = 1) {
    this.shards = Array.from({ length: shards }, (_, shard) => shard)
    this.#frames = this.shards.map(() => [])
    this.#first = this.shards.map(() => 1)
  }

  append(shard: Shard, frame: Buffer): Sequence {
    const frames = this.#of(shard)
    frames.push(Buffer.from(frame))
    return frames.length
  }

  /** Frames below are gone. */
  truncate(shard: Shard, below: Sequence): void {
    this.#first[shard] = below
  }

  heads(): Sequence[] {
    return this.#frames.map((frames) => frames.length)
  }

  events(): SealedEvent[] {
    return this.#frames.flat().flatMap((bytes) => {
      const frame = decodeFrame(bytes)
      return frame.kind === 'events' ? frame.events : []
    })
  }

  async range(shard: Shard): Promise<{ first: Sequence; next: Sequence }> {
    return { first: this.#first[shard] ?? 1, next: this.#of(shard).length + 1 }
  }

  async read(shard: Shard, from: Sequence, limit: number): Promise<StoredFrame[]> {
    const some = this.#of(shard).slice(from - 1, from - 1 + limit)
    return some.map((bytes, index) => ({ sequence: from + index, bytes }))
  }

  async nextReadable(_shard: Shard, from: Sequence): Promise<Sequence> {
    return from
  }

  async wait(): Promise<void> {}

  #of(shard: Shard): Buffer[] {
    const frames = this.#frames[shard]
    if (frames === undefined) throw new RangeError(`There is no shard ${shard}.`)
    return frames
  }
}
