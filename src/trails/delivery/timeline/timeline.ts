/**
 * Which form of which trail holds at each place of a shard's order. Trail changes come as control
 * frames; each is stored (document `delivery/timeline/<shard>/<incarnation>/<sequence>`) before the
 * cursor passes it, so that a restart at any cursor knows what held there.
 */
import type { Documents } from '../../../documents/documents.ts'
import type { Sequence, Shard } from '../../../journal/journal.ts'
import type { Trail, TrailChange } from '../../trail.ts'

const PREFIX = 'delivery/timeline/'
/** A deleted trail is remembered so long, because its announcements may be repeated. */
const TOMBSTONE_MS = 30 * 86_400_000
/** More than this many forms of one trail: the cursor is asked for, and old ones go. */
export const SNAPSHOTS_KEPT = 16
const SEQUENCE_DIGITS = 16

export interface Snapshot {
  readonly version: 1
  /** The change holds behind this frame. */
  readonly sequence: Sequence
  readonly kind: 'put' | 'delete'
  readonly trail: Trail
  readonly eventId: string
  /** It ended logging: the event of this call is the last one that the trail delivers. */
  readonly ends: boolean
  /** Epoch milliseconds. */
  readonly seenAt: number
}

/** Orders the changes of one incarnation; a deletion is behind everything. */
const rankOf = ({ kind, trail }: Pick<Snapshot, 'kind' | 'trail'>): number =>
  kind === 'delete' ? Number.POSITIVE_INFINITY : trail.revision

export const isLogging = (snapshot: Pick<Snapshot, 'kind' | 'trail'> | undefined): boolean =>
  snapshot?.kind === 'put' && snapshot.trail.isLogging

export class Timeline {
  readonly #documents: Documents
  readonly #prefix: string
  readonly #now: () => number
  /** Sequences of the stored forms by incarnation, ascending. */
  readonly #stored = new Map<string, Sequence[]>()
  readonly #current = new Map<string, Snapshot>()

  constructor(documents: Documents, shard: Shard, now: () => number) {
    this.#documents = documents
    this.#prefix = `${PREFIX}${shard}/`
    this.#now = now
  }

  /** Reads what holds at `floor`; changes behind it come again from the journal. */
  async load(floor: Sequence): Promise<readonly Snapshot[]> {
    for (const { value } of await this.#documents.list<Snapshot>(this.#prefix)) {
      const { incarnation } = value.trail
      this.#sequences(incarnation).push(value.sequence)
      // In byte order of the keys, which is that of the sequences: the last one at `floor` stays.
      if (value.sequence <= floor) this.#current.set(incarnation, value)
    }
    for (const incarnation of this.#stored.keys()) await this.#prune(incarnation, floor)
    for (const [incarnation, snapshot] of this.#current) {
      const forgotten = snapshot.kind === 'delete' && snapshot.seenAt + TOMBSTONE_MS < this.#now()
      if (forgotten && this.stored(incarnation) === 1) await this.#forget(incarnation)
    }
    return [...this.#current.values()]
  }

  /** What `change` makes of its trail; undefined when it was seen before. */
  successor(sequence: Sequence, change: TrailChange): Snapshot | undefined {
    const before = this.#current.get(change.trail.incarnation)
    if (before !== undefined && rankOf(change) <= rankOf(before)) return undefined
    const ends = isLogging(before) && !isLogging(change)
    return { ...change, version: 1, sequence, ends, seenAt: this.#now() }
  }

  /** What holds now for the incarnation. */
  current(incarnation: string): Snapshot | undefined {
    return this.#current.get(incarnation)
  }

  /** Durable when it resolves; from then on it holds. */
  async advance(snapshot: Snapshot, floor: Sequence): Promise<void> {
    const { incarnation } = snapshot.trail
    const sequences = this.#sequences(incarnation)
    // A replay finds its own change stored already; later ones are replayed too.
    if (!sequences.includes(snapshot.sequence)) {
      await this.#documents.put(this.#key(incarnation, snapshot.sequence), snapshot, 'any')
      sequences.push(snapshot.sequence)
    }
    this.#current.set(incarnation, snapshot)
    if (sequences.length > SNAPSHOTS_KEPT) await this.#prune(incarnation, floor)
  }

  /** Forms of the trail that are stored. */
  stored(incarnation: string): number {
    return this.#stored.get(incarnation)?.length ?? 0
  }

  #sequences(incarnation: string): Sequence[] {
    const known = this.#stored.get(incarnation)
    if (known !== undefined) return known
    const sequences: Sequence[] = []
    this.#stored.set(incarnation, sequences)
    return sequences
  }

  #key(incarnation: string, sequence: Sequence): string {
    return `${this.#prefix}${incarnation}/${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`
  }

  /** Removes the forms that were replaced at or below `floor`. */
  async #prune(incarnation: string, floor: Sequence): Promise<void> {
    const sequences = this.#sequences(incarnation)
    while (sequences[0] !== undefined && sequences[1] !== undefined && sequences[1] <= floor) {
      await this.#documents.remove(this.#key(incarnation, sequences[0]), 'any')
      sequences.shift()
    }
  }

  async #forget(incarnation: string): Promise<void> {
    for (const sequence of this.#sequences(incarnation)) {
      await this.#documents.remove(this.#key(incarnation, sequence), 'any')
    }
    this.#stored.delete(incarnation)
    this.#current.delete(incarnation)
  }
}
