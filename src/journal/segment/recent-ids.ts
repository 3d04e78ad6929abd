import type { Sequence } from '../journal.ts'

/** How long an id is remembered: the same append within it stores nothing. As JetStream's default. */
export const DUPLICATE_WINDOW_MS = 120_000

/**
 * Ids that one shard remembers. Beyond it the oldest go early: at 25,000 frames a second that is
 * still the 10 seconds in which a recorder repeats an append.
 */
export const RECENT_IDS_MAX = 262_144

/** The ids of the last two minutes, by their hash, with the sequence that each got. */
export class RecentIds {
  readonly #entries = new Map<string, { sequence: Sequence; at: number }>()

  get(hash: Buffer, now: number): Sequence | undefined {
    const entry = this.#entries.get(hash.toString('latin1'))
    return entry === undefined || entry.at < now - DUPLICATE_WINDOW_MS ? undefined : entry.sequence
  }

  add(hash: Buffer, sequence: Sequence, at: number): void {
    const key = hash.toString('latin1')
    this.#entries.delete(key)
    this.#entries.set(key, { sequence, at })
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= RECENT_IDS_MAX && entry.at >= at - DUPLICATE_WINDOW_MS) break
      this.#entries.delete(oldest)
    }
  }

  /** Forgets frames that recovery cut off: their ids may be appended again. */
  forgetFrom(sequence: Sequence): void {
    for (const [key, entry] of this.#entries) {
      if (entry.sequence >= sequence) this.#entries.delete(key)
    }
  }
}
