/**
 * Pages of postings. A posting says that an event of the run has a key: the 48 bits of the key and
 * the event's ordinal in the run (16 bits) are one 64-bit word, so that sorting words sorts by key
 * and then from old to new. A page lists each key once and then the ordinals of all its keys.
 */
import { HistoryError } from '../history-error.ts'

/** One row of SQLite's in one of its pages of 4,096 bytes, without an overflow page. */
export const PAGE_BYTES_MAX = 4_040
const COUNT_BYTES = 4
const KEY_BYTES = 8
const ORDINAL_BYTES = 2
/** Keys and ordinals of the fullest page. */
const PAGE_KEYS_MAX = Math.floor(PAGE_BYTES_MAX / KEY_BYTES)
const PAGE_ORDINALS_MAX = Math.floor(PAGE_BYTES_MAX / ORDINAL_BYTES)
/** Ordinals of a run are below this. */
export const ORDINALS_PER_RUN = 65_536
const FIRST_WORDS = 1_024

/** Collects postings in any order, each as two 32-bit halves, the lower one first. */
export class PostingBuffer {
  #halves = new Uint32Array(2 * FIRST_WORDS)
  #used = 0

  get length(): number {
    return this.#used / 2
  }

  add(key: number, ordinal: number): void {
    const high = Math.floor(key / 65_536)
    this.addHalves(high, key - high * 65_536, ordinal)
  }

  /** `high`: the upper 32 bits of the key, `low`: its lower 16. */
  addHalves(high: number, low: number, ordinal: number): void {
    if (this.#used === this.#halves.length) {
      const grown = new Uint32Array(2 * this.#halves.length)
      grown.set(this.#halves)
      this.#halves = grown
    }
    this.#halves[this.#used] = low * 65_536 + ordinal
    this.#halves[this.#used + 1] = high
    this.#used += 2
  }

  /** All postings in order, as halves; nothing may be added afterwards. */
  sorted(): Uint32Array {
    // Without a comparison function V8 sorts the words natively and makes no BigInt.
    new BigUint64Array(this.#halves.buffer, 0, this.length).sort()
    return this.#halves.subarray(0, this.#used)
  }
}

/** The page under construction. */
class PageDraft {
  readonly #highs = new Uint32Array(PAGE_KEYS_MAX)
  readonly #lows = new Uint16Array(PAGE_KEYS_MAX)
  readonly #ends = new Uint16Array(PAGE_KEYS_MAX)
  readonly #ordinals = new Uint16Array(PAGE_ORDINALS_MAX)
  keys = 0
  ordinals = 0

  isLast(high: number, low: number): boolean {
    const last = this.keys - 1
    return last >= 0 && this.#highs[last] === high && this.#lows[last] === low
  }

  /** False where it has no room for it. */
  add(high: number, low: number, ordinal: number): boolean {
    const isNew = !this.isLast(high, low)
    const keys = this.keys + (isNew ? 1 : 0)
    const bytes = COUNT_BYTES + keys * KEY_BYTES + (this.ordinals + 1) * ORDINAL_BYTES
    if (bytes > PAGE_BYTES_MAX) return false
    this.#highs[keys - 1] = high
    this.#lows[keys - 1] = low
    this.#ordinals[this.ordinals++] = ordinal
    this.#ends[keys - 1] = this.ordinals
    this.keys = keys
    return true
  }

  /** Its first key; what it holds goes into new bytes and it is empty again. */
  take(): { bytes: Uint8Array; first: number } {
    const { keys, ordinals } = this
    const bytes = new Uint8Array(COUNT_BYTES + keys * KEY_BYTES + ordinals * ORDINAL_BYTES)
    const parts = partsOf(bytes, keys)
    new Uint32Array(bytes.buffer, 0, 1)[0] = keys
    parts.highs.set(this.#highs.subarray(0, keys))
    parts.lows.set(this.#lows.subarray(0, keys))
    parts.ends.set(this.#ends.subarray(0, keys))
    parts.ordinals.set(this.#ordinals.subarray(0, ordinals))
    this.keys = 0
    this.ordinals = 0
    return { bytes, first: (this.#highs[0] ?? 0) * 65_536 + (this.#lows[0] ?? 0) }
  }
}

const partsOf = (bytes: Uint8Array, keys: number): PostingPage => {
  const { buffer, byteOffset: at, length } = bytes
  const lists = at + COUNT_BYTES + keys * KEY_BYTES
  return {
    highs: new Uint32Array(buffer, at + COUNT_BYTES, keys),
    lows: new Uint16Array(buffer, at + COUNT_BYTES + keys * 4, keys),
    ends: new Uint16Array(buffer, at + COUNT_BYTES + keys * 6, keys),
    ordinals: new Uint16Array(buffer, lists, (at + length - lists) / ORDINAL_BYTES),
  }
}

/** `halves`: as `PostingBuffer.sorted` gives them; a posting that is there twice is written once. */
export const encodePostings = (
  halves: Uint32Array,
): { pages: Uint8Array[]; fences: number[]; postings: number } => {
  const draft = new PageDraft()
  const pages: Uint8Array[] = []
  const fences: number[] = []
  const close = (): void => {
    const { bytes, first } = draft.take()
    pages.push(bytes)
    fences.push(first)
  }
  let postings = 0
  let lastLow = -1
  let lastHigh = -1
  for (let at = 0; at < halves.length; at += 2) {
    const word = halves[at] ?? 0
    const high = halves[at + 1] ?? 0
    if (word === lastLow && high === lastHigh) continue
    lastLow = word
    lastHigh = high
    postings++
    const low = word >>> 16
    if (draft.add(high, low, word & 0xffff)) continue
    close()
    draft.add(high, low, word & 0xffff)
  }
  if (draft.keys > 0) close()
  return { pages, fences, postings }
}

/** Keys ascending (`highs` then `lows`); the ordinals of key `i` end at `ends[i]`. */
export interface PostingPage {
  readonly highs: Uint32Array
  readonly lows: Uint16Array
  readonly ends: Uint16Array
  readonly ordinals: Uint16Array
}

/** Throws `damaged-index` where the bytes are no page. */
export const decodePostings = (data: Uint8Array): PostingPage => {
  const bytes = data.byteOffset % 4 === 0 ? data : data.slice()
  try {
    const keys = new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0] ?? 0
    const page = partsOf(bytes, keys)
    if (page.ends.at(-1) !== page.ordinals.length) throw new RangeError('Its lists do not end.')
    return page
  } catch (cause) {
    throw new HistoryError('damaged-index', 'A page of the history index is damaged.', { cause })
  }
}

const NONE = new Uint16Array(0)

/** The ordinals of a key in a page, ascending. */
export const ordinalsIn = (page: PostingPage, key: number): Uint16Array => {
  const { highs, lows, ends, ordinals } = page
  const high = Math.floor(key / 65_536)
  const low = key - high * 65_536
  let from = 0
  let to = highs.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const at = highs[middle] ?? 0
    if (at < high || (at === high && (lows[middle] ?? 0) < low)) from = middle + 1
    else to = middle
  }
  if (highs[from] !== high || lows[from] !== low) return NONE
  return ordinals.subarray(from === 0 ? 0 : ends[from - 1], ends[from])
}
