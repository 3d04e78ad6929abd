import type { DatabaseSync } from 'node:sqlite'
import type { MasterKey } from '../../platform/encryption.ts'
import { inTransaction, openDatabase } from '../../platform/sqlite.ts'
import { scopedKey } from '../attribute-hashes.ts'
import {
  BATCH_EVENTS_MAX,
  createSchema,
  INDEX_VERSION,
  orderNumberOf,
  SEGMENT_EVENTS,
  versionOf,
} from './index-schema.ts'
import { KeyFilter } from './key-filter.ts'
import { dayStartOf } from './layout.ts'

/** Page cache of a day that is being written, KiB, and of one that only stays open. */
const CACHE_KIB = 32_768
const RESTING_CACHE_KIB = 512
/** Pages of WAL before a checkpoint: 16 MiB, so that hot pages are written once, not per batch. */
const CHECKPOINT_PAGES = 4_000

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

interface Segment {
  readonly number: number
  events: number
  lowest: number
  highest: number
  readonly filter: KeyFilter
}

/** The writer's side of a day's index. Synchronous; the caller owns and closes it. */
export class DayIndex {
  readonly #database: DatabaseSync
  readonly #master: MasterKey
  readonly #dayStart: number
  readonly #sql: ReturnType<typeof statementsOf>
  readonly #scopes: Set<number>
  #segments: Segment[]
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
      const scopes = database.prepare('SELECT h FROM scope').all()
      this.#scopes = new Set(scopes.map((row) => Number(row.h)))
      this.#segments = segmentsOf(database)
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

  /** Locations of the events that have an EventId key in a scope; usually there is none. */
  locationsOf(idKey: number, scope: number): number[] {
    const key = scopedKey(idKey, scope)
    const locations: number[] = []
    for (const segment of this.#segments) {
      if (!segment.filter.mayHave(key)) continue
      for (const row of this.#sql.postings.all(segment.number, key)) {
        const event = this.#sql.event.get(Number(row.n))
        if (event !== undefined) locations.push(Number(event.location))
      }
    }
    return locations
  }

  /**
   * One transaction: all entries (at most BATCH_EVENTS_MAX) and the length they reach in a block
   * file, or nothing.
   */
  insert(
    entries: readonly IndexEntry[],
    locations: readonly number[],
    covered: { file: number; bytes: number },
  ): void {
    const segment = this.#writable()
    const newScopes = new Set<number>()
    let arrivals = this.#arrivals
    inTransaction(this.#database, () => {
      const postings = new Map<number, number[]>()
      entries.forEach((entry, at) => {
        const { number, next } = this.#place(entry, locations[at] ?? 0, arrivals)
        arrivals = next
        note(postings, entry, number)
        widen(segment, scopedKey(entry.idKey, entry.scope), number)
        if (!this.#scopes.has(entry.scope) && !newScopes.has(entry.scope)) {
          this.#nameScope(entry)
          newScopes.add(entry.scope)
        }
      })
      this.#insertPostings(segment.number, postings)
      const { number, events, lowest, highest, filter } = segment
      if (events > 0) this.#sql.putSegment.run(number, events, lowest, highest, filter.bits)
      this.#sql.cover.run(covered.file, covered.bytes)
      this.#sql.setState.run('arrivals', arrivals)
    })
    this.#arrivals = arrivals
    for (const scope of newScopes) this.#scopes.add(scope)
  }

  #writable(): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.events < SEGMENT_EVENTS) return last
    const segment: Segment = {
      number: (last?.number ?? 0) + 1,
      events: 0,
      lowest: Number.MAX_SAFE_INTEGER,
      highest: 0,
      filter: new KeyFilter(SEGMENT_EVENTS + BATCH_EVENTS_MAX),
    }
    this.#segments.push(segment)
    return segment
  }

  /** In order of the key: neighbours share pages of the tree. */
  #insertPostings(segment: number, postings: ReadonlyMap<number, readonly number[]>): void {
    const { addPosting } = this.#sql
    for (const key of Float64Array.from(postings.keys()).sort()) {
      for (const number of postings.get(key) ?? []) addPosting.run(segment, key, number)
    }
  }

  #nameScope(entry: IndexEntry): void {
    const name = this.#master.sealText(`${entry.account}\n${entry.region}`, SCOPE_PURPOSE)
    this.#sql.addScope.run(entry.scope, name)
  }

  /** The number is taken only where arrivals wrapped around within one millisecond. */
  #place(entry: IndexEntry, location: number, arrival: number): { number: number; next: number } {
    const { shard, sequence, index } = entry
    for (let ordinal = arrival; ; ordinal++) {
      const number = orderNumberOf(this.#dayStart, entry.time, ordinal)
      const { changes } = this.#sql.addEvent.run(number, shard, sequence, index, location)
      if (changes === 1) return { number, next: ordinal + 1 }
    }
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

const note = (postings: Map<number, number[]>, entry: IndexEntry, number: number): void => {
  for (const key of entry.keys) {
    const scoped = scopedKey(key, entry.scope)
    const list = postings.get(scoped)
    if (list === undefined) postings.set(scoped, [number])
    else list.push(number)
  }
}

const widen = (segment: Segment, idKey: number, number: number): void => {
  segment.events++
  segment.lowest = Math.min(segment.lowest, number)
  segment.highest = Math.max(segment.highest, number)
  segment.filter.add(idKey)
}

const statementsOf = (database: DatabaseSync) => ({
  addPosting: database.prepare('INSERT OR IGNORE INTO posting VALUES (?, ?, ?)'),
  postings: database.prepare('SELECT n FROM posting WHERE segment = ? AND h = ?'),
  addEvent: database.prepare('INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)'),
  event: database.prepare('SELECT location FROM event WHERE n = ?'),
  addScope: database.prepare('INSERT OR IGNORE INTO scope VALUES (?, ?)'),
  putSegment: database.prepare('INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?)'),
  cover: database.prepare('INSERT OR REPLACE INTO covered VALUES (?, ?)'),
  setState: database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)'),
})

const segmentsOf = (database: DatabaseSync): Segment[] =>
  database
    .prepare('SELECT * FROM segment ORDER BY number')
    .all()
    .map((row) => ({
      number: Number(row.number),
      events: Number(row.events),
      lowest: Number(row.lowest),
      highest: Number(row.highest),
      filter: new KeyFilter(row.filter instanceof Uint8Array ? row.filter : 0),
    }))
