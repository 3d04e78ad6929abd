import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { MasterKey } from '../../platform/encryption.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import { openDatabase } from '../../platform/sqlite.ts'
import { scopedKey } from '../attribute-hashes.ts'
import { HistoryError } from '../history-error.ts'
import { SCOPE_PURPOSE } from './day-index.ts'
import { firstOrderOf, INDEX_VERSION, versionOf } from './index-schema.ts'
import { blockFilesIn, DAY_MS, dayStartOf, INDEX_FILE } from './layout.ts'
import { newestFirst, type Run } from './newest-first.ts'

/** Page cache of a day that is only read, KiB: ninety of them may be open. */
const CACHE_KIB = 1_024
/** Postings counted to compare how selective two attributes are. */
const COUNT_MAX = 1_000

export interface Scope {
  readonly account: string
  readonly region: string
  readonly key: number
}

/** A posting: the event `n` has the key that was asked for. */
export interface Candidate {
  readonly n: number
  readonly segment: number
  readonly scope: Scope
}

export interface EventRow {
  readonly shard: number
  readonly sequence: number
  readonly index: number
  readonly location: number
}

/** The reader's side of a day's index: a read-only connection beside the writer's. */
export class DayView {
  readonly day: string
  readonly #database: DatabaseSync
  readonly #inode: number
  readonly #path: string
  readonly #dayStart: number
  readonly #master: MasterKey
  readonly #postings: StatementSync
  readonly #hasPosting: StatementSync
  readonly #count: StatementSync
  readonly #event: StatementSync
  readonly #between: StatementSync
  readonly #segments: StatementSync
  readonly #scopeRows: StatementSync
  readonly #scopes = new Map<number, Scope>()
  #leases = 0
  #isClosing = false

  private constructor(path: string, day: string, master: MasterKey) {
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
      this.#postings = database.prepare(
        'SELECT n FROM posting WHERE segment = ? AND h = ? AND n < ? AND n >= ? ORDER BY n DESC LIMIT ?',
      )
      this.#hasPosting = database.prepare(
        'SELECT 1 FROM posting WHERE segment = ? AND h = ? AND n = ?',
      )
      this.#count = database.prepare(
        'SELECT count(*) AS c FROM (SELECT 1 FROM posting WHERE segment = ? AND h = ? LIMIT ?)',
      )
      this.#event = database.prepare('SELECT shard, sequence, idx, location FROM event WHERE n = ?')
      this.#between = database.prepare(
        `SELECT n FROM event WHERE n >= ? AND n < ? AND sequence = ? AND shard = ? AND idx = ?`,
      )
      this.#segments = database.prepare('SELECT number, lowest, highest FROM segment')
      this.#scopeRows = database.prepare('SELECT h, name FROM scope')
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Undefined when the day is gone, or has nothing in it yet. */
  static open(history: string, day: string, master: MasterKey): DayView | undefined {
    const path = join(history, day, INDEX_FILE)
    try {
      return new DayView(path, day, master)
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
   * Order numbers of the events that have a key, newest first, in a range of times (epoch
   * milliseconds, inclusive) and, with `below`, older than that order number.
   */
  *newest(
    key: number,
    scopes: readonly Scope[],
    range: { from: number; to: number; below: number | undefined },
  ): Generator<Candidate> {
    const start = Math.max(range.from, this.#dayStart)
    const end = Math.min(range.to + 1, this.#dayStart + DAY_MS)
    const lowest = firstOrderOf(this.#dayStart, start)
    const highest = firstOrderOf(this.#dayStart, end)
    const below = Math.min(highest, range.below ?? highest)
    const found = new Map<number, Candidate>()
    const runs: Run[] = []
    for (const segment of this.#segmentRows()) {
      if (segment.lowest >= below || segment.highest < lowest) continue
      const bound = Math.min(below, segment.highest + 1)
      for (const scope of scopes) {
        const fetch = (under: number, limit: number): number[] => {
          const scoped = scopedKey(key, scope.key)
          const rows = this.#postings.all(segment.number, scoped, under, lowest, limit)
          return rows.map((row) => {
            const n = Number(row.n)
            found.set(n, { n, scope, segment: segment.number })
            return n
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

  #segmentRows(): { number: number; lowest: number; highest: number }[] {
    return this.#segments.all().map((row) => ({
      number: Number(row.number),
      lowest: Number(row.lowest),
      highest: Number(row.highest),
    }))
  }

  hasKey(key: number, { scope, segment, n }: Candidate): boolean {
    return this.#hasPosting.get(segment, scopedKey(key, scope.key), n) !== undefined
  }

  /** Postings of a key, counted up to a bound. */
  count(key: number, scopes: readonly Scope[]): number {
    let sum = 0
    for (const { number } of this.#segmentRows()) {
      for (const scope of scopes) {
        sum += Number(this.#count.get(number, scopedKey(key, scope.key), COUNT_MAX)?.c)
        if (sum >= COUNT_MAX) return sum
      }
    }
    return sum
  }

  event(n: number): EventRow | undefined {
    const row = this.#event.get(n)
    if (row === undefined) return
    const { shard, sequence, idx, location } = row
    return {
      shard: Number(shard),
      sequence: Number(sequence),
      index: Number(idx),
      location: Number(location),
    }
  }

  /**
   * The order number of an address at a moment. For an event that is gone, that of the moment's
   * oldest: no page repeats what an earlier one showed.
   */
  orderOf(time: number, at: { shard: number; sequence: number; index: number }): number {
    const first = firstOrderOf(this.#dayStart, time)
    const next = firstOrderOf(this.#dayStart, time + 1)
    const row = this.#between.get(first, next, at.sequence, at.shard, at.index)
    return row === undefined ? first : Number(row.n)
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
