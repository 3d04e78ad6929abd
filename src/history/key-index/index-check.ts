/** What `clew fsck` asks of an index: sound runs, and the same events and postings as the blocks. */
import type { DatabaseSync } from 'node:sqlite'
import { scopedKey } from '../attribute-hashes.ts'
import type { IndexEntry } from './day-index.ts'
import { KeyFilter } from './key-filter.ts'
import { headOf, RunPages } from './run-pages.ts'

/** Keys are below it: their sum per event, taken modulo, tells one set of keys from another. */
const MODULUS = 2 ** 48

/** What the index says of one event. */
interface Claim {
  readonly location: number
  readonly filter: KeyFilter
  keys: number
  sum: number
}

/** The problem of an event whose entry the blocks give, or undefined. */
type Comparison = (entry: IndexEntry, location: number) => string | undefined

export interface IndexCheck {
  /** Problems of the runs themselves. */
  readonly problems: readonly string[]
  readonly compare: Comparison
  /** Events of the index that were not compared. */
  left(): number
}

/** Reads the whole index: about 200 bytes of memory for each event of the day. */
export const checkIndex = (database: DatabaseSync, day: string): IndexCheck => {
  const pages = new RunPages(database, day)
  const claims = new Map<number, Claim>()
  const problems: string[] = []
  for (const row of database.prepare('SELECT * FROM run ORDER BY number').iterate()) {
    const head = headOf(row)
    const filter = new KeyFilter(row.filter instanceof Uint8Array ? row.filter : 0)
    const own: Claim[] = []
    let sorted = true
    let postings = 0
    const { events, eachPosting } = pages.whole(head)
    events.orders.forEach((order, ordinal) => {
      if (ordinal > 0 && order <= (events.orders[ordinal - 1] ?? 0)) sorted = false
      const claim = { location: events.locations[ordinal] ?? 0, filter, keys: 0, sum: 0 }
      own.push(claim)
      claims.set(claim.location, claim)
    })
    let last = -1
    let lastOrdinal = -1
    eachPosting((high, low, ordinal) => {
      const key = high * 65_536 + low
      if (key < last || (key === last && ordinal <= lastOrdinal)) sorted = false
      last = key
      lastOrdinal = ordinal
      postings++
      const claim = own[ordinal]
      if (claim === undefined) sorted = false
      else add(claim, key)
    })
    const isWhole =
      own.length === head.events &&
      postings === head.postings &&
      events.orders[0] === head.lowest &&
      events.orders.at(-1) === head.highest
    if (!sorted || !isWhole) problems.push(`Run ${head.number} of the index is damaged.`)
  }
  return { problems, compare: comparisonWith(claims), left: () => claims.size }
}

const add = (claim: Pick<Claim, 'keys' | 'sum'>, key: number): void => {
  claim.keys++
  claim.sum = (claim.sum + key) % MODULUS
}

const comparisonWith =
  (claims: Map<number, Claim>): Comparison =>
  (entry, location) => {
    const claim = claims.get(location)
    if (claim === undefined) return 'It is not in the index.'
    claims.delete(location)
    const expected = { keys: 0, sum: 0 }
    for (const key of new Set(entry.keys)) add(expected, scopedKey(key, entry.scope))
    if (claim.keys < expected.keys) return 'The index lacks attributes of it.'
    if (claim.keys > expected.keys || claim.sum !== expected.sum) {
      return 'The index has other attributes of it.'
    }
    if (!claim.filter.mayHave(scopedKey(entry.idKey, entry.scope))) {
      return 'The index would not know it again.'
    }
    return
  }
