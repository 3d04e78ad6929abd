/** Look-ups in one run: which of its events have a key, newest first, and what is known of them. */
import { EVENTS_PER_PAGE } from './event-page.ts'
import { ordinalsIn } from './posting-page.ts'
import type { RunHead } from './run.ts'
import type { RunPages } from './run-pages.ts'

/** How many of the ascending numbers are below a number. */
const countBelow = (numbers: Float64Array | Uint16Array, below: number): number => {
  let from = 0
  let to = numbers.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((numbers[middle] ?? 0) < below) from = middle + 1
    else to = middle
  }
  return from
}

/** How many events of the run have an order number below `order`: the ordinal it begins at. */
export const ordinalOf = (pages: RunPages, run: RunHead, order: number): number => {
  if (order <= run.lowest) return 0
  if (order > run.highest) return run.events
  const page = countBelow(run.orderFences, order) - 1
  return page * EVENTS_PER_PAGE + countBelow(pages.events(run, page).orders, order)
}

export interface IndexedEvent {
  readonly n: number
  readonly location: number
  readonly shard: number
  readonly sequence: number
  readonly index: number
}

export const eventOf = (pages: RunPages, run: RunHead, ordinal: number): IndexedEvent => {
  const page = pages.events(run, Math.floor(ordinal / EVENTS_PER_PAGE))
  const at = ordinal % EVENTS_PER_PAGE
  return {
    n: page.orders[at] ?? 0,
    location: page.locations[at] ?? 0,
    shard: page.shards[at] ?? 0,
    sequence: page.sequences[at] ?? 0,
    index: page.indexes[at] ?? 0,
  }
}

/** The events of a run that have a key, from a given ordinal downwards. */
export class PostingCursor {
  readonly #pages: RunPages
  readonly #run: RunHead
  readonly #key: number
  readonly #lowest: number
  #below: number
  /** Page that may hold the next one, and the last that can. */
  #page: number
  readonly #firstPage: number

  /** Ordinals from `lowest` on and below `below`. */
  constructor(pages: RunPages, run: RunHead, key: number, lowest: number, below: number) {
    this.#pages = pages
    this.#run = run
    this.#key = key
    this.#lowest = lowest
    this.#below = below
    this.#firstPage = Math.max(0, countBelow(run.keyFences, key) - 1)
    this.#page = countBelow(run.keyFences, key + 1) - 1
    this.#skip()
  }

  /** A key may fill many pages: those that are wholly at or above `below` are not walked. */
  #skip(): void {
    let from = this.#firstPage
    let to = this.#page
    if (this.#below >= this.#run.events) return
    while (from < to) {
      const middle = (from + to + 1) >>> 1
      const first = this.#ordinals(middle)[0]
      if (first !== undefined && first >= this.#below) to = middle - 1
      else from = middle
    }
    this.#page = to
  }

  #ordinals(page: number): Uint16Array {
    return ordinalsIn(this.#pages.postings(this.#run, page), this.#key)
  }

  /** The next ordinals, descending; fewer than `limit` at the end. */
  next(limit: number): number[] {
    const found: number[] = []
    for (; this.#page >= this.#firstPage; this.#page--) {
      const ordinals = this.#ordinals(this.#page)
      for (let at = countBelow(ordinals, this.#below) - 1; at >= 0; at--) {
        const ordinal = ordinals[at] ?? 0
        if (ordinal < this.#lowest) {
          this.#page = -1
          return found
        }
        if (found.length === limit) return found
        found.push(ordinal)
        this.#below = ordinal
      }
      if (found.length === limit) return found
    }
    return found
  }
}

export const hasPosting = (pages: RunPages, run: RunHead, key: number, ordinal: number): boolean =>
  new PostingCursor(pages, run, key, ordinal, ordinal + 1).next(1).length === 1
