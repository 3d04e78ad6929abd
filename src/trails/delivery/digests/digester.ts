/**
 * Decides which digests of a trail and region are made: a starting one when validation begins, then
 * one an hour, idle hours too, a final one when it ends. A digest lists the files whose puts were
 * recorded since the one before it, in that order (DESIGN.md §4, reference/formats.md §4.6).
 */
import {
  type Chain,
  type ChainDocument,
  type ChainTrail,
  digestsIdleHours,
} from '../chain-state.ts'
import { isLogging, type Snapshot } from '../timeline/timeline.ts'
import {
  chainTrailOf,
  continues,
  type Draft,
  followingDraft,
  isDigested,
  startingDraft,
} from './draft.ts'
import { gridAfter, gridUntil } from './grid.ts'
import { type MakerContext, makeDigest } from './maker.ts'

/** Missed hours that are made up for one by one; what is older goes into one digest. */
const MISSED_MAX = 24 * 90
/** Missed hours made up for in one go: a tick must not take seconds. */
const MISSED_AT_ONCE = 24
/**
 * A longer list is digested before its hour: it must fit into one document (at most 256 KiB) with
 * keys of up to 500 bytes.
 */
export const FILES_MAX = 250

export interface DigesterContext extends MakerContext {
  readonly intervalMs: number
}

/** What the chain's shard knows. */
export interface Surroundings {
  /** The trail as it is now, deleted or not. */
  readonly latest: Snapshot | undefined
  /** No event, window or put of the trail and region is under way. */
  readonly quiet: () => boolean
  /** `clew flush`: make a digest of what is new. */
  readonly flush: boolean
}

/** `chain`: the key of a chain document. */
export class Digester {
  readonly #context: DigesterContext
  /** When this process made the last digest of a chain, on the monotonic clock. */
  readonly #madeAt = new Map<string, number>()
  readonly #startedAt: number

  constructor(context: DigesterContext) {
    this.#context = context
    this.#startedAt = context.clock.monotonic()
  }

  /** Follows a trail change. `finish` brings what is left of the trail into its bucket, or parks it. */
  async follow(
    chain: string,
    before: Snapshot | undefined,
    after: Snapshot,
    finish: () => Promise<void>,
  ): Promise<void> {
    const document = this.#context.store.known(chain)
    if (document === undefined || document.control >= after.sequence) return
    const trail = chainTrailOf(after.trail)
    const active = isDigested(after, document.region)
    if (active && continues(document.chain, trail)) {
      await this.#change(chain, after.sequence, (current) => ({ ...current, trail }))
      return
    }
    if (active && document.chain !== undefined && document.chain.phase !== 'ended') {
      // A new chain begins before the old one came to rest.
      await finish()
      await this.#makeFinal(chain)
    }
    const isHome = document.region === trail.homeRegion && document.account === trail.account
    if (active && isHome) {
      await this.#begin(chain, this.#startOf(before, trail), trail, after.sequence)
      return
    }
    const { incarnation } = trail
    await this.#change(chain, after.sequence, (current) =>
      !active && current.phase === 'open' && current.trail.incarnation === incarnation
        ? { ...current, phase: 'ending' }
        : current,
    )
  }

  /** Makes what is due. */
  async settle(chain: string, around: Surroundings): Promise<void> {
    if (this.#phase(chain) === 'ending' && around.quiet()) await this.#makeFinal(chain)
    const phase = this.#phase(chain)
    if (phase === undefined || (phase === 'ended' && around.quiet()))
      await this.#adopt(chain, around)
    if (this.#phase(chain) === 'ending' && around.quiet()) await this.#makeFinal(chain)
    await this.#makeDue(chain)
    if (!around.flush) return
    await this.#make(chain, (document) =>
      document.chain?.phase === 'open' && document.files.length > 0
        ? followingDraft(document, this.#now(), 'open')
        : undefined,
    )
  }

  #now(): number {
    return this.#context.clock.now()
  }

  #phase(chain: string): Chain['phase'] | undefined {
    return this.#context.store.known(chain)?.chain?.phase
  }

  async #change(chain: string, control: number, next: (chain: Chain) => Chain): Promise<void> {
    await this.#context.store.update(chain, (document) =>
      document.chain === undefined
        ? { ...document, control }
        : { ...document, control, chain: next(document.chain) },
    )
  }

  async #make(
    chain: string,
    draftOf: (document: ChainDocument) => Draft | undefined,
  ): Promise<boolean> {
    const made = await makeDigest(this.#context, chain, draftOf)
    if (made) this.#madeAt.set(chain, this.#context.clock.monotonic())
    return made
  }

  async #begin(chain: string, end: number, trail: ChainTrail, control: number): Promise<void> {
    const rest = { phase: 'open', control, intervalMs: this.#context.intervalMs } as const
    await this.#make(chain, (document) =>
      document.control >= control ? undefined : startingDraft(document, trail, end, rest),
    )
  }

  async #makeFinal(chain: string): Promise<void> {
    await this.#context.store.update(chain, (document) =>
      document.chain === undefined || document.files.length > 0 || digestsIdleHours(document)
        ? document
        : { ...document, chain: { ...document.chain, phase: 'ended' } },
    )
    await this.#make(chain, (document) =>
      document.chain?.phase === 'ended'
        ? undefined
        : followingDraft(document, this.#now(), 'ended'),
    )
  }

  /** The starting digest ends at StartLogging; where only validation was switched on, now. */
  #startOf(before: Snapshot | undefined, trail: ChainTrail): number {
    const now = this.#now()
    const { startLoggingTime } = trail
    const wasLogging = isLogging(before) && before?.trail.startLoggingTime === startLoggingTime
    const late = before === undefined && now - startLoggingTime > this.#context.intervalMs
    return wasLogging || late ? now : startLoggingTime
  }

  /** Files that no open chain waits for: the first of a region, or late ones of an ended chain. */
  async #adopt(chain: string, { latest }: Surroundings): Promise<void> {
    const document = this.#context.store.known(chain)
    if (document === undefined || document.files.length === 0) return
    const active = isDigested(latest, document.region)
    if (document.chain !== undefined && !active) {
      await this.#make(chain, (current) =>
        current.files.length === 0 ? undefined : followingDraft(current, this.#now(), 'ended'),
      )
      return
    }
    if (latest === undefined) return
    const { intervalMs } = this.#context
    const trail = chainTrailOf(latest.trail)
    const end = gridUntil(trail.startLoggingTime, intervalMs, this.#now())
    const rest = { phase: active ? 'open' : 'ending', intervalMs } as const
    await this.#make(chain, (current) =>
      current.chain === undefined || current.chain.phase === 'ended'
        ? startingDraft(current, trail, end, rest)
        : undefined,
    )
  }

  /** The end of the next digest of an open chain; undefined while none is due. */
  #dueEnd(chain: string, document: ChainDocument, trail: ChainTrail): number | undefined {
    const now = this.#now()
    const { highWater } = document
    const { clock, intervalMs } = this.#context
    const end = gridAfter(trail.startLoggingTime, intervalMs, highWater)
    if (!digestsIdleHours(document)) {
      if (document.files.length === 0) return undefined
      if (now >= end) return gridUntil(trail.startLoggingTime, intervalMs, now)
    }
    if (now >= end) {
      const missed = Math.floor((now - end) / intervalMs)
      return end + Math.max(0, missed - MISSED_MAX) * intervalMs
    }
    if (document.files.length >= FILES_MAX) return now
    // The clock was set back behind the last digest: go on by elapsed time, a second at a time.
    const elapsed = clock.monotonic() - (this.#madeAt.get(chain) ?? this.#startedAt)
    return now < highWater && elapsed >= intervalMs ? highWater + 1000 : undefined
  }

  async #makeDue(chain: string): Promise<void> {
    for (let count = 0; count < MISSED_AT_ONCE; count++) {
      const made = await this.#make(chain, (document) => {
        if (document.chain?.phase !== 'open') return undefined
        const end = this.#dueEnd(chain, document, document.chain.trail)
        return end === undefined ? undefined : followingDraft(document, end, 'open')
      })
      if (!made) return
    }
  }
}
