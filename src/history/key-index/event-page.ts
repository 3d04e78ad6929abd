/** Pages of a run's events, in the order of their order numbers: where each is, and its address. */
import { HistoryError } from '../history-error.ts'

/** Order number, location, sequence and key of eight bytes, shard and index of four: 4,040 bytes. */
export const EVENTS_PER_PAGE = 101
const EVENT_BYTES = 40

/** The events of a run or of a page of it, column by column, order numbers ascending. */
export interface EventColumns {
  readonly orders: Float64Array
  readonly locations: Float64Array
  readonly sequences: Float64Array
  /** Scoped EventId keys: the filter of a merged run is made from them. */
  readonly idKeys: Float64Array
  readonly shards: Uint32Array
  readonly indexes: Uint32Array
}

const columnsOf = (buffer: ArrayBufferLike, at: number, count: number): EventColumns => ({
  orders: new Float64Array(buffer, at, count),
  locations: new Float64Array(buffer, at + 8 * count, count),
  sequences: new Float64Array(buffer, at + 16 * count, count),
  idKeys: new Float64Array(buffer, at + 24 * count, count),
  shards: new Uint32Array(buffer, at + 32 * count, count),
  indexes: new Uint32Array(buffer, at + 36 * count, count),
})

export const newColumns = (count: number): EventColumns =>
  columnsOf(new ArrayBuffer(count * EVENT_BYTES), 0, count)

/** Copies events of one set of columns into another. */
export const copyColumns = (
  from: EventColumns,
  at: number,
  to: EventColumns,
  into: number,
): void => {
  to.orders[into] = from.orders[at] ?? 0
  to.locations[into] = from.locations[at] ?? 0
  to.sequences[into] = from.sequences[at] ?? 0
  to.idKeys[into] = from.idKeys[at] ?? 0
  to.shards[into] = from.shards[at] ?? 0
  to.indexes[into] = from.indexes[at] ?? 0
}

/** Pages of EVENTS_PER_PAGE events, and the first order number of each. */
export const encodeEvents = (events: EventColumns): { pages: Uint8Array[]; fences: number[] } => {
  const pages: Uint8Array[] = []
  const fences: number[] = []
  for (let at = 0; at < events.orders.length; at += EVENTS_PER_PAGE) {
    const end = Math.min(at + EVENTS_PER_PAGE, events.orders.length)
    const page = newColumns(end - at)
    page.orders.set(events.orders.subarray(at, end))
    page.locations.set(events.locations.subarray(at, end))
    page.sequences.set(events.sequences.subarray(at, end))
    page.idKeys.set(events.idKeys.subarray(at, end))
    page.shards.set(events.shards.subarray(at, end))
    page.indexes.set(events.indexes.subarray(at, end))
    pages.push(new Uint8Array(page.orders.buffer))
    fences.push(page.orders[0] ?? 0)
  }
  return { pages, fences }
}

/** Throws `damaged-index` where the bytes are no page. */
export const decodeEvents = (data: Uint8Array): EventColumns => {
  const bytes = data.byteOffset % 8 === 0 ? data : data.slice()
  if (bytes.length === 0 || bytes.length % EVENT_BYTES !== 0) {
    throw new HistoryError('damaged-index', 'A page of the history index is damaged.')
  }
  return columnsOf(bytes.buffer, bytes.byteOffset, bytes.length / EVENT_BYTES)
}
