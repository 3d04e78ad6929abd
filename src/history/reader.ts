import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import { messageOf, systemCodeOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { sqliteCodeOf } from '../platform/sqlite.ts'
import { type AttributeHashes, createAttributeHashes } from './attribute-hashes.ts'
import { hasAttribute, lookupAttributesOf } from './attributes.ts'
import { WeightedCache } from './block-cache.ts'
import type { History, HistoryEvent, HistoryPosition, HistoryQuery } from './history.ts'
import { HistoryError } from './history-error.ts'
import { parseRecord } from './json.ts'
import { DayView, type Scope } from './key-index/day-view.ts'
import { isDamage, timeOfOrder } from './key-index/index-schema.ts'
import { isPageDamage, type Page } from './key-index/run-pages.ts'
import type { StoredEvent } from './partition/block-codec.ts'
import { BlockReader } from './partition/block-reader.ts'
import { DAY_MS, dayOf, dayStartOf, daysIn, INDEX_DAMAGED_FILE } from './partition/layout.ts'

export interface HistoryOptions {
  readonly folder: string
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
}

/** Connections kept: all days of the retention, each with three file descriptors at most. */
const OPEN_VIEWS_MAX = 96
/** Decoded blocks kept. */
const BLOCK_CACHE_BYTES = 33_554_432
/** Decoded pages of indexes kept. */
const PAGE_CACHE_BYTES = 16_777_216
/** A search gives way to other work after this long; its reads are synchronous. */
const TURN_MS = 20

/** Reads the history of a folder, beside the process that writes it. */
export const openHistory = async (options: HistoryOptions): Promise<History> =>
  new FolderHistory(options)

/** One search over one day. */
interface DaySearch {
  readonly view: DayView
  readonly query: HistoryQuery
  readonly scopes: readonly Scope[]
  /** Keys that every hit has; the first is walked, the others are probed. */
  readonly keys: readonly number[]
}

class FolderHistory implements History {
  readonly #options: HistoryOptions
  readonly #hashes: AttributeHashes
  readonly #blocks: BlockReader
  readonly #pages = new WeightedCache<Page>(PAGE_CACHE_BYTES)
  /** In order of use, the latest last. */
  readonly #views = new Map<string, DayView>()
  #closed = false

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#hashes = createAttributeHashes(options.master)
    this.#blocks = new BlockReader(options.folder, options.master, BLOCK_CACHE_BYTES)
  }

  async search(query: HistoryQuery): ReturnType<History['search']> {
    if (this.#closed) throw new HistoryError('closed', 'The history is closed.')
    const events: HistoryEvent[] = []
    let turnEnds = this.#options.clock.monotonic() + TURN_MS
    for (const day of this.#daysOf(query)) {
      for (const hit of this.#searchDay(day, query)) {
        if (hit !== undefined) {
          const last = events.at(-1)
          if (events.length >= query.limit) {
            return last === undefined ? { events } : { events, next: last.position }
          }
          events.push(hit)
        }
        if (this.#options.clock.monotonic() < turnEnds) continue
        await nextTurn()
        if (this.#closed) throw new HistoryError('closed', 'The history is closed.')
        turnEnds = this.#options.clock.monotonic() + TURN_MS
      }
    }
    return { events }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const view of this.#views.values()) view.close()
    this.#views.clear()
  }

  /** Newest first, those that the range and the position leave. */
  #daysOf({ from, to, after }: HistoryQuery): string[] {
    const latest = Math.min(to, after?.time ?? to)
    return daysIn(this.#options.folder)
      .filter((day) => dayStartOf(day) <= latest && dayStartOf(day) + DAY_MS > from)
      .reverse()
  }

  /** Hits of one day; `undefined` for a candidate that was none, so that the caller can give way. */
  *#searchDay(day: string, query: HistoryQuery): Generator<HistoryEvent | undefined> {
    try {
      const view = this.#view(day)
      if (view === undefined) return
      using _lease = view.lease()
      const scopes = this.#scopesOf(view, query)
      const keys = this.#keysOf(view, query, scopes)
      yield* this.#hits({ view, query, scopes, keys })
    } catch (error) {
      this.#forget(day)
      // Retention deletes whole days at any time: then there is nothing in it.
      if (systemCodeOf(error) === 'ENOENT' && !daysIn(this.#options.folder).includes(day)) return
      throw this.#explained(day, error)
    }
  }

  /** One account and region need no list of all that the day has. */
  #scopesOf(view: DayView, { account, region }: HistoryQuery): readonly Scope[] {
    if (account === undefined || region === undefined) return view.scopes(account, region)
    return [{ account, region, key: this.#hashes.scope(account, region) }]
  }

  /** The rarest first. */
  #keysOf(view: DayView, query: HistoryQuery, scopes: readonly Scope[]): number[] {
    const { category, attributes } = query
    const keys = attributes.map(({ key, value }) => this.#hashes.key(category, key, value))
    if (keys.length === 0) return [this.#hashes.allKey(category)]
    if (keys.length === 1) return keys
    const counts = new Map(keys.map((key) => [key, view.count(key, scopes)]))
    return keys.sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
  }

  *#hits({ view, query, scopes, keys }: DaySearch): Generator<HistoryEvent | undefined> {
    const { from, to, after } = query
    const isCut = after !== undefined && dayOf(after.time) === view.day
    const below = isCut ? view.orderOf(after.time, after) : undefined
    for (const candidate of view.newest({ keys, scopes, from, to, below })) {
      if (candidate === undefined) {
        yield undefined
        continue
      }
      const { n, location, shard, sequence, index } = candidate
      const event = this.#eventAt(view.day, location)
      const time = timeOfOrder(view.day, n)
      const position: HistoryPosition = { time, shard, sequence, index }
      const isHit = event !== undefined && isMatch(event, query)
      yield isHit ? { position, text: event.text } : undefined
    }
  }

  /** One damaged block does not hide the others: it is reported, and fsck names it. */
  #eventAt(day: string, location: number): StoredEvent | undefined {
    try {
      return this.#blocks.eventAt(day, location)
    } catch (error) {
      if (!(error instanceof HistoryError && error.code === 'damaged-block')) throw error
      this.#options.logger.error({ error: error.message }, 'A look-up left out a damaged block.')
      return
    }
  }

  #view(day: string): DayView | undefined {
    let view = this.#views.get(day)
    if (view !== undefined && !view.isCurrent()) {
      this.#forget(day)
      view = undefined
    }
    view ??= DayView.open(this.#options.folder, day, this.#options.master, this.#pages)
    if (view === undefined) return
    this.#views.delete(day)
    this.#views.set(day, view)
    for (const [oldest] of this.#views) {
      if (this.#views.size <= OPEN_VIEWS_MAX) break
      this.#forget(oldest)
    }
    return view
  }

  #forget(day: string): void {
    this.#views.get(day)?.close()
    this.#views.delete(day)
  }

  /** Tells the writer of a damaged index; it builds a new one at its next start. */
  #explained(day: string, error: unknown): unknown {
    if (!isPageDamage(error) && !isDamage(sqliteCodeOf(error))) return error
    const { folder, logger } = this.#options
    try {
      writeFileSync(join(folder, day, INDEX_DAMAGED_FILE), '', { mode: 0o600 })
    } catch (failure) {
      logger.warn({ day, error: messageOf(failure) }, 'A damaged index could not be marked.')
    }
    return new HistoryError('damaged-index', `The history index of ${day} is damaged.`, {
      cause: error,
      hint: 'Restart the server: it builds the index anew from the blocks.',
    })
  }
}

/** Hashes only propose; the event itself decides. */
const isMatch = (event: StoredEvent, query: HistoryQuery): boolean => {
  const { account, region, category, attributes } = query
  if (event.category !== category) return false
  if (account !== undefined && event.account !== account) return false
  if (region !== undefined && event.region !== region) return false
  if (attributes.length === 0) return true
  const own = lookupAttributesOf(parseRecord(event.text) ?? {})
  return attributes.every(({ key, value }) => hasAttribute(own, event.eventId, key, value))
}
