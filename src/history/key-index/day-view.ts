import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { MasterKey } from '../../platform/encryption.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import { openDatabase } from '../../platform/sqlite.ts'
import { scopedKey } from '../attribute-hashes.ts'
import type { WeightedCache } from '../block-cache.ts'
import { HistoryError } from '../history-error.ts'
import { blockFilesIn, DAY_MS, dayStartOf, INDEX_FILE } from '../partition/layout.ts'
import { SCOPE_PURPOSE } from './day-index.ts'
import { firstOrderOf, INDEX_VERSION, versionOf } from './index-schema.ts'
import { newestFirst, type Run } from './newest-first.ts'
import type { RunHead } from './run.ts'
import { headOf, type Page, RunGone, RunPages } from './run-pages.ts'
import { eventOf, hasPosting, type IndexedEvent, ordinalOf, PostingCursor } from './run-search.ts'

/** SQLite's page cache of a day that is only read, KiB: ninety may be open, and pages are kept decoded. */
const CACHE_KIB = 128
/** Postings counted to compare how selective two attributes are. */
const COUNT_MAX = 1_000
/** Merges that one search over a day may meet; beyond, the page is missing for good. */
const MERGES_MAX = 100

export interface Scope {
  readonly account: string
  readonly region: string
  readonly key: number
}

/** An event that has the keys that were asked for. */
export interface Candidate extends IndexedEvent {
  readonly scope: Scope
}

/** Keys ascending by how many events they have; a candidate has them all. */
export interface CandidateQuery {
  readonly keys: readonly number[]
  readonly scopes: readonly Scope[]
  /** Epoch milliseconds, inclusive. */
  readonly from: number
  readonly to: number
  /** Only order numbers below this one. */
  readonly below: number | undefined
}

/** The reader's side of a day's index: a read-only connection beside the writer's. */
export class DayView {
  readonly day: string
  readonly #database: DatabaseSync
  readonly #inode: number
  readonly #path: string
  readonly #dayStart: number
  readonly #master: MasterKey
  readonly #pages: RunPages
  readonly #dataVersion: StatementSync
  readonly #numbers: StatementSync
  readonly #head: StatementSync
  readonly #scopeRows: StatementSync
  readonly #scopes = new Map<number, Scope>()
  #heads: readonly RunHead[] = []
  /** SQLite's data_version for which the heads hold. */
  #headsOf: unknown
  #leases = 0
  #isClosing = false

  private constructor(path: string, day: string, master: MasterKey, cache: WeightedCache<Page>) {
    this.day = day
    this.#path = path
    this.#master = master
    this.#dayStart = dayStartOf(day)
    this.#inode = statSync(path).ino
    const database = openDatabase(path, { synchronous: 'NORMAL', readOnly: true })
    this.#database = database
    try {
      database.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
      if (versionOf(database) !== INDEX_VERSION) throw indexMissing(day)
      this.#pages = new RunPages(database, `${day}.${this.#inode}`, cache)
      this.#dataVersion = database.prepare('PRAGMA data_version')
      this.#numbers = database.prepare('SELECT number FROM run')
      this.#head = database.prepare(
        'SELECT number, events, postings, lowest, highest, fences FROM run WHERE number = ?',
      )
      this.#scopeRows = database.prepare('SELECT h, name FROM scope')
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Undefined when the day is gone, or has nothing in it yet. */
  static open(
    history: string,
    day: string,
    master: MasterKey,
    cache: WeightedCache<Page>,
  ): DayView | undefined {
    const path = join(history, day, INDEX_FILE)
    try {
      return new DayView(path, day, master, cache)
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error
      if (blockFilesIn(join(history, day)).length === 0) return
      throw indexMissing(day)
    }
  }

  /** Whether the file of this connection is still the day's index. */
  isCurrent(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode
  }

  /** The accounts and regions that have events in the day and fit. */
  scopes(account: string | undefined, region: string | undefined): Scope[] {
    for (const row of this.#scopeRows.all()) {
      const key = Number(row.h)
      if (this.#scopes.has(key)) continue
      const name = this.#master.openText(String(row.name), SCOPE_PURPOSE).toString()
      const [inAccount = '', inRegion = ''] = name.split('\n')
      this.#scopes.set(key, { account: inAccount, region: inRegion, key })
    }
    return [...this.#scopes.values()].filter(
      (scope) =>
        (account === undefined || scope.account === account) &&
        (region === undefined || scope.region === region),
    )
  }

  /**
   * Newest first; `undefined` for an event that lacks a key, so that the caller can give way. Where
   * runs were merged meanwhile it goes on in the merged ones: order numbers stay as they are.
   */
  *newest(query: CandidateQuery): Generator<Candidate | undefined> {
    let below = query.below
    for (let merges = 0; ; merges++) {
      try {
        for (const { event, hasAll } of this.#walk({ ...query, below })) {
          below = event.n
          yield hasAll ? event : undefined
        }
        return
      } catch (error) {
        if (!(error instanceof RunGone) || merges === MERGES_MAX) throw error
        this.#headsOf = undefined
      }
    }
  }

  *#walk(query: CandidateQuery): Generator<{ event: Candidate; hasAll: boolean }> {
    const [key, ...others] = query.keys
    if (key === undefined) return
    const start = Math.max(query.from, this.#dayStart)
    const end = Math.min(query.to + 1, this.#dayStart + DAY_MS)
    const lowest = firstOrderOf(this.#dayStart, start)
    const highest = firstOrderOf(this.#dayStart, end)
    const below = Math.min(highest, query.below ?? highest)
    const found = new Map<number, { event: Candidate; hasAll: boolean }>()
    const runs: Run[] = []
    for (const run of this.#runs()) {
      if (run.lowest >= below || run.highest < lowest) continue
      const bound = Math.min(below, run.highest + 1)
      for (const scope of query.scopes) {
        let cursor: PostingCursor | undefined
        const fetch = (limit: number): number[] => {
          cursor ??= this.#cursor(run, scopedKey(key, scope.key), lowest, below)
          return cursor.next(limit).map((ordinal) => {
            const event = { ...eventOf(this.#pages, run, ordinal), scope }
            const hasAll = others.every((other) => {
              return hasPosting(this.#pages, run, scopedKey(other, scope.key), ordinal)
            })
            found.set(event.n, { event, hasAll })
            return event.n
          })
        }
        runs.push({ bound, fetch })
      }
    }
    for (const n of newestFirst(runs)) {
      const candidate = found.get(n)
      found.delete(n)
      if (candidate !== undefined) yield candidate
    }
  }

  #cursor(run: RunHead, key: number, lowest: number, below: number): PostingCursor {
    const from = ordinalOf(this.#pages, run, lowest)
    return new PostingCursor(this.#pages, run, key, from, ordinalOf(this.#pages, run, below))
  }

  /** Read again only when another connection has committed something. */
  #runs(): readonly RunHead[] {
    const version = this.#dataVersion.get()?.data_version
    if (version === this.#headsOf) return this.#heads
    const known = new Map(this.#heads.map((head) => [head.number, head]))
    const heads: RunHead[] = []
    for (const row of this.#numbers.all()) {
      const number = Number(row.number)
      const head = known.get(number) ?? this.#readHead(number)
      if (head !== undefined) heads.push(head)
      // Merged since the list was read: the merged run is in a newer list.
      else return this.#runs()
    }
    this.#heads = heads
    this.#headsOf = version
    return heads
  }

  #readHead(number: number): RunHead | undefined {
    const row = this.#head.get(number)
    return row === undefined ? undefined : headOf(row)
  }

  /** Repeats what met a run that was merged meanwhile. */
  #onRuns<Result>(work: (runs: readonly RunHead[]) => Result): Result {
    for (let merges = 0; ; merges++) {
      try {
        return work(this.#runs())
      } catch (error) {
        if (!(error instanceof RunGone) || merges === MERGES_MAX) throw error
        this.#headsOf = undefined
      }
    }
  }

  /** Postings of a key, counted up to a bound. */
  count(key: number, scopes: readonly Scope[]): number {
    return this.#onRuns((runs) => {
      let sum = 0
      for (const run of runs) {
        for (const scope of scopes) {
          const scoped = scopedKey(key, scope.key)
          const cursor = new PostingCursor(this.#pages, run, scoped, 0, run.events)
          sum += cursor.next(COUNT_MAX - sum).length
          if (sum >= COUNT_MAX) return sum
        }
      }
      return sum
    })
  }

  /**
   * The order number of an address at a moment. For an event that is gone, that of the moment's
   * oldest: no page repeats what an earlier one showed.
   */
  orderOf(time: number, at: { shard: number; sequence: number; index: number }): number {
    const first = firstOrderOf(this.#dayStart, time)
    const next = firstOrderOf(this.#dayStart, time + 1)
    return this.#onRuns((runs) => {
      for (const run of runs) {
        if (run.lowest >= next || run.highest < first) continue
        const end = ordinalOf(this.#pages, run, next)
        for (let each = ordinalOf(this.#pages, run, first); each < end; each++) {
          const { n, shard, sequence, index } = eventOf(this.#pages, run, each)
          if (sequence === at.sequence && index === at.index && shard === at.shard) return n
        }
      }
      return first
    })
  }

  /** Keeps the connection open until it is disposed of, whatever `close` says meanwhile. */
  lease(): Disposable {
    this.#leases++
    return {
      [Symbol.dispose]: () => {
        this.#leases--
        this.#closeIfDone()
      },
    }
  }

  close(): void {
    this.#isClosing = true
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#isClosing && this.#leases === 0 && this.#database.isOpen) this.#database.close()
  }
}

const indexMissing = (day: string): HistoryError =>
  new HistoryError('index-missing', `The event history of ${day} is being indexed.`, {
    hint: 'Try again in a moment; if no server runs, start one: it builds the index.',
  })
