import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { WeightedCache } from '../block-cache.ts'
import { HistoryError } from '../history-error.ts'
import {
  copyColumns,
  decodeEvents,
  EVENTS_PER_PAGE,
  type EventColumns,
  newColumns,
} from './event-page.ts'
import { decodePostings, type PostingPage } from './posting-page.ts'
import { EVENT_PAGES_FROM, type LoadedRun, PAGES_PER_RUN, type RunHead } from './run.ts'

/** A page of a run that was merged into another one meanwhile: list the runs and go on in those. */
export class RunGone extends Error {}

/** Whether an error says that the pages themselves cannot be used; only a rebuild helps. */
export const isPageDamage = (error: unknown): boolean =>
  error instanceof RunGone || (error instanceof HistoryError && error.code === 'damaged-index')

/** A decoded page; its weight in a cache is about its bytes. */
export type Page = PostingPage | EventColumns
export const PAGE_WEIGHT = 4_608

export const headOf = (row: Record<string, unknown>): RunHead => {
  const { fences } = row
  const bytes = fences instanceof Uint8Array ? fences.slice() : new Uint8Array(0)
  const all = new Float64Array(bytes.buffer, 0, Math.floor(bytes.length / 8))
  const events = Number(row.events)
  const keys = all.length - Math.ceil(events / EVENTS_PER_PAGE)
  return {
    ...{ number: Number(row.number), events, postings: Number(row.postings) },
    ...{ lowest: Number(row.lowest), highest: Number(row.highest) },
    keyFences: all.subarray(0, keys),
    orderFences: all.subarray(keys),
  }
}

/** Pages of the runs of one day's index. */
export class RunPages {
  readonly #page: StatementSync
  readonly #cache: WeightedCache<Page> | undefined
  readonly #name: string

  /** `name`: of this index file, in a cache that several share. */
  constructor(database: DatabaseSync, name: string, cache?: WeightedCache<Page>) {
    this.#page = database.prepare('SELECT data FROM page WHERE id = ?')
    this.#name = name
    this.#cache = cache
  }

  #load<Kind extends Page>(id: number, decode: (data: Uint8Array) => Kind): Kind {
    const key = `${this.#name}/${id}`
    const known = this.#cache?.get(key)
    // An id is of one kind only.
    if (known !== undefined) return known as Kind
    const data = this.#page.get(id)?.data
    if (!(data instanceof Uint8Array)) throw new RunGone(`Page ${id} is gone.`)
    const page = decode(data)
    this.#cache?.set(key, page, PAGE_WEIGHT)
    return page
  }

  postings(run: RunHead, at: number): PostingPage {
    return this.#load(run.number * PAGES_PER_RUN + at, decodePostings)
  }

  events(run: RunHead, at: number): EventColumns {
    return this.#load(run.number * PAGES_PER_RUN + EVENT_PAGES_FROM + at, decodeEvents)
  }

  /** Everything of a run, to be merged or checked: one page of postings is in memory at a time. */
  whole(run: RunHead): LoadedRun {
    const events = newColumns(run.events)
    for (let at = 0; at < run.orderFences.length; at++) {
      const page = this.events(run, at)
      for (let event = 0; event < page.orders.length; event++) {
        copyColumns(page, event, events, at * EVENTS_PER_PAGE + event)
      }
    }
    return { events, eachPosting: (each) => this.#eachPosting(run, each) }
  }

  #eachPosting(run: RunHead, each: (high: number, low: number, ordinal: number) => void): void {
    for (let at = 0; at < run.keyFences.length; at++) {
      const { highs, lows, ends, ordinals } = this.postings(run, at)
      let from = 0
      for (let key = 0; key < highs.length; key++) {
        const [high = 0, low = 0, end = 0] = [highs[key], lows[key], ends[key]]
        for (; from < end; from++) each(high, low, ordinals[from] ?? 0)
      }
    }
  }
}
