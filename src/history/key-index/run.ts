/**
 * A run: the events of a batch, or of several that were merged, and their postings, immutable and
 * sorted, in pages. Its number is never used again, so that what a reader remembers of a run stays
 * true for as long as the file is the day's index.
 */
import { copyColumns, type EventColumns, encodeEvents, newColumns } from './event-page.ts'
import { KeyFilter } from './key-filter.ts'
import { encodePostings, ORDINALS_PER_RUN, PostingBuffer } from './posting-page.ts'

/** Events of the largest run: their ordinals have 16 bits. */
export const RUN_EVENTS_MAX = ORDINALS_PER_RUN
/** Ids of a run's pages: postings first, events from the second half on. */
export const PAGES_PER_RUN = 65_536
export const EVENT_PAGES_FROM = PAGES_PER_RUN / 2

/** What is kept in memory of a run. */
export interface RunHead {
  readonly number: number
  readonly events: number
  readonly postings: number
  /** Order numbers of its oldest and its newest event. */
  readonly lowest: number
  readonly highest: number
  /** First key of each page of postings. */
  readonly keyFences: Float64Array
  /** First order number of each page of events. */
  readonly orderFences: Float64Array
}

/** A run as it is written. */
export interface NewRun {
  readonly head: Omit<RunHead, 'number'>
  readonly filter: KeyFilter
  readonly postingPages: readonly Uint8Array[]
  readonly eventPages: readonly Uint8Array[]
}

/** How many of the fences are those of postings is not stored: events say how many pages they fill. */
export const fencesOf = ({ keyFences, orderFences }: NewRun['head']): Uint8Array => {
  const all = new Float64Array(keyFences.length + orderFences.length)
  all.set(keyFences)
  all.set(orderFences, keyFences.length)
  return new Uint8Array(all.buffer)
}

/** A run whose events may still get their locations. */
export interface RunDraft {
  readonly events: EventColumns
  readonly filter: KeyFilter
  readonly postings: number
  readonly postingPages: readonly Uint8Array[]
  readonly keyFences: Float64Array
}

/** `events` in order, at most RUN_EVENTS_MAX; the ordinals of `postings` are their places. */
export const draftRun = (events: EventColumns, postings: PostingBuffer): RunDraft => {
  const filter = new KeyFilter(events.orders.length)
  for (const key of events.idKeys) filter.add(key)
  const { pages, fences, postings: count } = encodePostings(postings.sorted())
  return {
    ...{ events, filter, postings: count, postingPages: pages },
    keyFences: Float64Array.from(fences),
  }
}

export const finishRun = (draft: RunDraft): NewRun => {
  const { events, filter, postings, postingPages, keyFences } = draft
  const { pages: eventPages, fences } = encodeEvents(events)
  const head = {
    ...{ events: events.orders.length, postings, keyFences },
    lowest: events.orders[0] ?? 0,
    highest: events.orders.at(-1) ?? 0,
    orderFences: Float64Array.from(fences),
  }
  return { head, filter, postingPages, eventPages }
}

/** A whole run in memory, to be merged. */
export interface LoadedRun {
  readonly events: EventColumns
  /** Calls back for each posting, in any order. */
  eachPosting(each: (high: number, low: number, ordinal: number) => void): void
}

/** Their events in one order, and at which ordinal each run's events are in it. */
const interleaved = (
  runs: readonly LoadedRun[],
): { events: EventColumns; places: Uint16Array[] } => {
  const count = runs.reduce((sum, { events }) => sum + events.orders.length, 0)
  const events = newColumns(count)
  const places = runs.map((run) => new Uint16Array(run.events.orders.length))
  const next = runs.map(() => 0)
  for (let ordinal = 0; ordinal < count; ordinal++) {
    let oldest = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let at = 0; at < runs.length; at++) {
      const order = runs[at]?.events.orders[next[at] ?? 0] ?? Number.POSITIVE_INFINITY
      if (order < lowest) {
        lowest = order
        oldest = at
      }
    }
    const run = runs[oldest]
    const place = next[oldest] ?? 0
    const own = places[oldest]
    if (run === undefined || own === undefined) break
    copyColumns(run.events, place, events, ordinal)
    own[place] = ordinal
    next[oldest] = place + 1
  }
  return { events, places }
}

/** One run of several, which have RUN_EVENTS_MAX events at most. */
export const mergedRun = (runs: readonly LoadedRun[]): NewRun => {
  const { events, places } = interleaved(runs)
  const postings = new PostingBuffer()
  runs.forEach((run, at) => {
    const own = places[at]
    run.eachPosting((high, low, ordinal) => postings.addHalves(high, low, own?.[ordinal] ?? 0))
  })
  return finishRun(draftRun(events, postings))
}
