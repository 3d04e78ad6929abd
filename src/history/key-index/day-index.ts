import type { DatabaseSync } from 'node:sqlite'
import type { MasterKey } from '../../platform/encryption.ts'
import { inTransaction, openDatabase } from '../../platform/sqlite.ts'
import { scopedKey } from '../attribute-hashes.ts'
import { dayStartOf } from '../partition/layout.ts'
import { type EventColumns, newColumns } from './event-page.ts'
import { createSchema, INDEX_VERSION, ORDINALS, orderNumberOf, versionOf } from './index-schema.ts'
import { KeyFilter } from './key-filter.ts'
import { runsToMerge, runsToSettle } from './merge-plan.ts'
import { PostingBuffer } from './posting-page.ts'
import {
  draftRun,
  EVENT_PAGES_FROM,
  fencesOf,
  finishRun,
  mergedRun,
  type NewRun,
  PAGES_PER_RUN,
  type RunDraft,
  type RunHead,
} from './run.ts'
import { headOf, RunPages } from './run-pages.ts'
import { eventOf, ordinalOf, PostingCursor } from './run-search.ts'

/** Page cache of a day that is being written, KiB, and of one that only stays open. */
const CACHE_KIB = 4_096
const RESTING_CACHE_KIB = 128
/** Pages of WAL before a checkpoint, which costs two fsyncs: 8 MiB. */
const CHECKPOINT_PAGES = 2_000

/** An event as the index takes it. */
export interface IndexEntry {
  readonly shard: number
  readonly sequence: number
  readonly index: number
  readonly account: string
  readonly region: string
  /** Key of (account, region). */
  readonly scope: number
  /** Epoch milliseconds, within the day. */
  readonly time: number
  /** Unscoped keys of every attribute. */
  readonly keys: readonly number[]
  /** That of its EventId, by which repeats are found. */
  readonly idKey: number
}

/** Purpose under which account and region are sealed in the index. */
export const SCOPE_PURPOSE = 'history scope'

/** Entries of a batch, sorted into a run. */
export interface BatchDraft {
  /** Place of each event of the run among the entries. */
  readonly places: Uint32Array
  readonly scopes: ReadonlyMap<number, IndexEntry>
  readonly run: RunDraft
}

interface WrittenRun extends RunHead {
  readonly filter: KeyFilter
}

/** The writer's side of a day's index. Synchronous; the caller owns and closes it. */
export class DayIndex {
  readonly #database: DatabaseSync
  readonly #master: MasterKey
  readonly #dayStart: number
  readonly #sql: ReturnType<typeof statementsOf>
  readonly #pages: RunPages
  readonly #scopes: Set<number>
  #runs: WrittenRun[]
  #lastNumber: number
  #arrivals: number

  /** `fresh`: creates the tables. Throws SQLite's errors where the file is no index. */
  constructor(path: string, day: string, master: MasterKey, fresh: boolean) {
    // WAL keeps it consistent through a power loss; commits that one undoes are in the blocks.
    const database = openDatabase(path, { synchronous: fresh ? 'OFF' : 'NORMAL' })
    this.#database = database
    this.#master = master
    this.#dayStart = dayStartOf(day)
    try {
      database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      if (fresh) createSchema(database)
      if (versionOf(database) !== INDEX_VERSION) throw new RangeError('Another index version.')
      this.#sql = statementsOf(database)
      this.#pages = new RunPages(database, day)
      const scopes = database.prepare('SELECT h FROM scope').all()
      this.#scopes = new Set(scopes.map((row) => Number(row.h)))
      this.#runs = runsOf(database)
      this.#lastNumber = Math.max(0, ...this.#runs.map(({ number }) => number))
      this.#arrivals = this.#state('arrivals')
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Before it is written, and when others have been written since: bounds the memory of many days. */
  wake(): void {
    this.#database.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  }

  rest(): void {
    this.#database.exec(`PRAGMA cache_size = -${RESTING_CACHE_KIB}; PRAGMA shrink_memory`)
  }

  #state(name: string): number {
    const row = this.#database.prepare('SELECT value FROM state WHERE name = ?').get(name)
    if (row === undefined) throw new RangeError(`The index has no ${name}.`)
    return Number(row.value)
  }

  /** Whether it was closed properly; from now on it counts as not. */
  takeClean(): boolean {
    const clean = this.#state('clean') === 1
    this.#sql.setState.run('clean', 0)
    return clean
  }

  /** SQLite's own check of the file; `ok` or the first complaint. */
  check(): string {
    return String(this.#database.prepare('PRAGMA quick_check(1)').get()?.quick_check)
  }

  /** Bytes of each block file that the index covers. */
  covered(): Map<number, number> {
    const rows = this.#database.prepare('SELECT file, bytes FROM covered').all()
    return new Map(rows.map((row) => [Number(row.file), Number(row.bytes)]))
  }

  /** Locations of at most `most` events that have an EventId key in a scope; usually there is none. */
  locationsOf(idKey: number, scope: number, most: number): readonly number[] {
    const key = scopedKey(idKey, scope)
    let locations: number[] | undefined
    for (const run of this.#runs) {
      if (!run.filter.mayHave(key)) continue
      const left = most - (locations?.length ?? 0)
      if (left <= 0) break
      const cursor = new PostingCursor(this.#pages, run, key, 0, run.events)
      locations ??= []
      for (const ordinal of cursor.next(left)) {
        locations.push(eventOf(this.#pages, run, ordinal).location)
      }
    }
    return locations ?? NONE
  }

  /** The run of some entries (at most BATCH_EVENTS_MAX): all that is done before they have a place. */
  draft(entries: readonly IndexEntry[]): BatchDraft {
    const orders = this.#ordersOf(entries)
    const places = placesInOrder(orders)
    const scopes = new Map<number, IndexEntry>()
    for (const entry of entries) {
      if (!this.#scopes.has(entry.scope)) scopes.set(entry.scope, entry)
    }
    return { places, scopes, run: runOf(entries, places, orders) }
  }

  /**
   * One transaction: a draft as a run, and the length that its events reach in a block file, or
   * nothing. `locations`: in the order of the entries. Readers see them when it returns.
   */
  insert(
    { places, scopes: newScopes, run }: BatchDraft,
    locations: readonly number[],
    covered: { file: number; bytes: number },
  ): void {
    places.forEach((place, ordinal) => {
      run.events.locations[ordinal] = locations[place] ?? 0
    })
    const runs = inTransaction(this.#database, () => {
      for (const [scope, { account, region }] of newScopes) {
        const name = this.#master.sealText(`${account}\n${region}`, SCOPE_PURPOSE)
        this.#sql.addScope.run(scope, name)
      }
      this.#sql.cover.run(covered.file, covered.bytes)
      this.#sql.setState.run('arrivals', this.#arrivals)
      return places.length === 0 ? this.#runs : [...this.#runs, this.#put(finishRun(run))]
    })
    this.#runs = runs
    for (const scope of newScopes.keys()) this.#scopes.add(scope)
  }

  /** Merges while any tier has too many runs; each merge is a transaction of its own. */
  merge(): void {
    for (;;) {
      const old = runsToMerge(this.#runs)
      if (old.length === 0) return
      this.#replace(old)
    }
  }

  /** Merges small runs of a day that is not written at present. False when there was nothing to do. */
  settle(): boolean {
    const old = runsToSettle(this.#runs)
    if (old.length > 0) this.#replace(old)
    return old.length > 0
  }

  #replace(old: readonly WrittenRun[]): void {
    const merged = mergedRun(old.map((run) => this.#pages.whole(run)))
    const run = inTransaction(this.#database, () => {
      for (const { number } of old) {
        this.#sql.dropRun.run(number)
        this.#sql.dropPages.run(number * PAGES_PER_RUN, (number + 1) * PAGES_PER_RUN)
      }
      return this.#put(merged)
    })
    this.#runs = [...this.#runs.filter((each) => !old.includes(each)), run]
  }

  /** Numbers only grow: the highest one is the newest, and a merge replaces it by a higher one. */
  #put({ head, filter, postingPages, eventPages }: NewRun): WrittenRun {
    const number = ++this.#lastNumber
    const { events, postings, lowest, highest } = head
    const id = number * PAGES_PER_RUN
    for (const [at, page] of postingPages.entries()) this.#sql.putPage.run(id + at, page)
    for (const [at, page] of eventPages.entries()) {
      this.#sql.putPage.run(id + EVENT_PAGES_FROM + at, page)
    }
    this.#sql.putRun.run(number, events, postings, lowest, highest, fencesOf(head), filter.bits)
    return { ...head, number, filter }
  }

  /** Of each entry; each is new to the day. */
  #ordersOf(entries: readonly IndexEntry[]): Float64Array {
    const orders = new Float64Array(entries.length)
    const own = new Set<number>()
    entries.forEach((entry, at) => {
      let order: number
      do order = orderNumberOf(this.#dayStart, entry.time, this.#arrivals++)
      while (this.#arrivals > ORDINALS && (own.has(order) || this.#isTaken(order)))
      // Before arrivals wrap around, their number alone tells orders apart.
      if (this.#arrivals > ORDINALS) own.add(order)
      orders[at] = order
    })
    return orders
  }

  #isTaken(order: number): boolean {
    return this.#runs.some((run) => {
      if (order < run.lowest || order > run.highest) return false
      return eventOf(this.#pages, run, ordinalOf(this.#pages, run, order)).n === order
    })
  }

  /** `clean`: nothing failed since it was opened. */
  close(clean: boolean): void {
    try {
      if (clean) this.#sql.setState.run('clean', 1)
    } finally {
      this.#database.close()
    }
  }
}

const NONE: readonly number[] = []

/** Places of the numbers in ascending order. */
const placesInOrder = (numbers: Float64Array): Uint32Array => {
  const places = Uint32Array.from(numbers, (_, at) => at)
  const isSorted = numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))
  return isSorted ? places : places.sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0))
}

const runOf = (
  entries: readonly IndexEntry[],
  places: Uint32Array,
  orders: Float64Array,
): RunDraft => {
  const events: EventColumns = newColumns(entries.length)
  const postings = new PostingBuffer()
  places.forEach((place, ordinal) => {
    const entry = entries[place]
    if (entry === undefined) return
    const { scope, keys } = entry
    events.orders[ordinal] = orders[place] ?? 0
    events.sequences[ordinal] = entry.sequence
    events.idKeys[ordinal] = scopedKey(entry.idKey, scope)
    events.shards[ordinal] = entry.shard
    events.indexes[ordinal] = entry.index
    for (const key of keys) postings.add(scopedKey(key, scope), ordinal)
  })
  return draftRun(events, postings)
}

const statementsOf = (database: DatabaseSync) => ({
  putRun: database.prepare('INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?)'),
  dropRun: database.prepare('DELETE FROM run WHERE number = ?'),
  putPage: database.prepare('INSERT INTO page VALUES (?, ?)'),
  dropPages: database.prepare('DELETE FROM page WHERE id >= ? AND id < ?'),
  addScope: database.prepare('INSERT OR IGNORE INTO scope VALUES (?, ?)'),
  cover: database.prepare('INSERT OR REPLACE INTO covered VALUES (?, ?)'),
  setState: database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)'),
})

const runsOf = (database: DatabaseSync): WrittenRun[] =>
  database
    .prepare('SELECT * FROM run ORDER BY number')
    .all()
    .map((row) => ({
      ...headOf(row),
      filter: new KeyFilter(row.filter instanceof Uint8Array ? row.filter : 0),
    }))
