/**
 * Documents in one SQLite file (WAL, synchronous FULL) that several processes open at once.
 *
 * One row per key holds value and revision; a removed key stays as a row without a value for an
 * hour, so that watchers of other processes learn of it. Revisions come from one counter that only
 * grows: they are never used again, and "what changed since" is one range of an index.
 */
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../platform/clock.ts'
import { makeFolder } from '../platform/durable-files.ts'
import { CodedError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { inTransaction, openDatabase } from '../platform/sqlite.ts'
import { type ChangeFeed, createChangeFeed } from './change-feed.ts'
import { type Document, type Documents, DocumentsError, type Revision } from './documents.ts'
import { GroupCommit } from './group-commit.ts'

/**
 * A document's JSON text may have so many bytes: a message of JetStream KV (1 MiB by default) less
 * its headers. The largest document is that of an account's trails (docs/decisions/0042).
 */
export const DOCUMENT_BYTES_MAX = 1020 * 1024
/** A key's UTF-8 bytes. */
export const KEY_BYTES_MAX = 1_024
/** How long a removed key is remembered for watchers; they look every `WATCH_POLL_MS`. */
export const TOMBSTONE_MS = 3_600_000
/** How often a watching process looks for changes of others. */
export const WATCH_POLL_MS = 50

const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (
    key TEXT PRIMARY KEY, value TEXT, revision INTEGER NOT NULL, removed_at INTEGER
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS documents_revision ON documents (revision);
  CREATE INDEX IF NOT EXISTS documents_removed ON documents (removed_at) WHERE removed_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
`

const unavailable = (doing: string, cause: unknown): DocumentsError =>
  cause instanceof DocumentsError
    ? cause
    : new DocumentsError('unavailable', `Could not ${doing}: ${messageOf(cause)}`, {
        cause,
        hint: 'Check that the disk of the documents file has room and works, then repeat; `clew fsck` finds damage.',
      })

const openSchema = (path: string): DatabaseSync => {
  const db = openDatabase(path, { synchronous: 'FULL' })
  try {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    if (version > SCHEMA_VERSION) {
      throw new DocumentsError(
        'unavailable',
        `${path} has format ${version}; this version knows ${SCHEMA_VERSION}.`,
        { hint: 'Run the newer version of Clew that wrote this data folder.' },
      )
    }
    if (version < SCHEMA_VERSION) {
      inTransaction(db, () => db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`))
    }
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const statementsOf = (db: DatabaseSync) => ({
  get: db.prepare('SELECT value, revision FROM documents WHERE key = ?'),
  list: db.prepare(
    'SELECT key, value, revision FROM documents WHERE key >= ? AND key < ? AND value IS NOT NULL ORDER BY key',
  ),
  next: db.prepare('UPDATE counter SET revision = revision + 1 RETURNING revision'),
  newest: db.prepare('SELECT revision FROM counter'),
  set: db.prepare(
    `INSERT INTO documents (key, value, revision, removed_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET
       value = excluded.value, revision = excluded.revision, removed_at = excluded.removed_at`,
  ),
  forget: db.prepare('DELETE FROM documents WHERE removed_at < ?'),
  since: db.prepare('SELECT key, revision FROM documents WHERE revision > ? ORDER BY revision'),
})

const conflict = (key: string, expected: Revision | 'absent', found: Revision | undefined) =>
  new DocumentsError(
    'conflict',
    `Document ${key} is ${found === undefined ? 'absent' : `at revision ${found}`}, not ${expected === 'absent' ? 'absent' : `at ${expected}`}.`,
  )

class SqliteDocuments implements Documents {
  readonly #db: DatabaseSync
  readonly #sql: ReturnType<typeof statementsOf>
  readonly #clock: Clock
  readonly #feed: ChangeFeed
  readonly #commits: GroupCommit
  #closed = false

  constructor(db: DatabaseSync, clock: Clock, logger: Logger) {
    this.#db = db
    this.#sql = statementsOf(db)
    this.#clock = clock
    this.#commits = new GroupCommit(db)
    this.#feed = createChangeFeed({
      pollMs: WATCH_POLL_MS,
      logger,
      newest: () => Number(this.#sql.newest.get()?.revision ?? 0),
      since: (revision) =>
        this.#sql.since
          .all(revision)
          .map((row) => ({ key: String(row.key), revision: Number(row.revision) })),
    })
  }

  async get<Value>(key: string): Promise<Document<Value> | undefined> {
    return this.#run(`read document ${key}`, () => {
      const row = this.#sql.get.get(key)
      if (row === undefined || row.value === null) return undefined
      return { key, value: JSON.parse(String(row.value)) as Value, revision: Number(row.revision) }
    })
  }

  async list<Value>(prefix: string): Promise<Document<Value>[]> {
    return this.#run(`list documents below ${prefix}`, () =>
      this.#sql.list.all(prefix, `${prefix}\u{10ffff}`).map((row) => ({
        key: String(row.key),
        value: JSON.parse(String(row.value)) as Value,
        revision: Number(row.revision),
      })),
    )
  }

  async put(key: string, value: unknown, expected: Revision | 'absent' | 'any'): Promise<Revision> {
    const text = JSON.stringify(value)
    if (text === undefined) throw new TypeError(`The value of document ${key} is not JSON.`)
    const bytes = Buffer.byteLength(text)
    if (bytes > DOCUMENT_BYTES_MAX || Buffer.byteLength(key) > KEY_BYTES_MAX) {
      throw new DocumentsError(
        'too-large',
        `Document ${key.slice(0, 200)} has ${bytes} bytes; ${DOCUMENT_BYTES_MAX} are allowed, and ${KEY_BYTES_MAX} for a key.`,
      )
    }
    return this.#change(key, text, expected)
  }

  async remove(key: string, expected: Revision | 'any'): Promise<void> {
    await this.#change(key, null, expected)
  }

  watch(prefix: string, changed: (key: string) => void): Disposable {
    return this.#run('watch documents', () => this.#feed.watch(prefix, changed))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#commits.settled()
    this.#feed.close()
    this.#db.close()
  }

  async #change(
    key: string,
    text: string | null,
    expected: Revision | 'absent' | 'any',
  ): Promise<Revision> {
    if (this.#closed) throw new DocumentsError('closed', 'The documents are closed.')
    let revision: Revision | undefined
    try {
      revision = await this.#commits.commit(() => this.#write(key, text, expected))
    } catch (error) {
      throw unavailable(`${text === null ? 'remove' : 'write'} document ${key}`, error)
    }
    if (revision !== undefined) this.#feed.announce(key, revision)
    return revision ?? 0
  }

  /** Inside a transaction. Undefined where there was nothing to remove. */
  #write(
    key: string,
    text: string | null,
    expected: Revision | 'absent' | 'any',
  ): Revision | undefined {
    const row = this.#sql.get.get(key)
    const found = row === undefined || row.value === null ? undefined : Number(row.revision)
    const matches =
      expected === 'any' || (expected === 'absent' ? found === undefined : found === expected)
    if (!matches) throw conflict(key, expected, found)
    if (text === null && found === undefined) return undefined
    const next = Number(this.#sql.next.get()?.revision)
    const now = this.#clock.now()
    this.#sql.set.run(key, text, next, text === null ? now : null)
    if (text === null) this.#sql.forget.run(now - TOMBSTONE_MS)
    return next
  }

  #run<Result>(doing: string, work: () => Result): Result {
    if (this.#closed) throw new DocumentsError('closed', 'The documents are closed.')
    try {
      return work()
    } catch (error) {
      throw unavailable(doing, error)
    }
  }
}

/**
 * Opens or creates the documents file and its folder. Rejects with DocumentsError `unavailable` when
 * it cannot be opened or a newer version wrote it. A corrupt value counts as `unavailable` too.
 */
export const openSqliteDocuments = async (
  path: string,
  options: { clock: Clock; logger: Logger },
): Promise<Documents> => {
  try {
    await makeFolder(dirname(path))
    return new SqliteDocuments(openSchema(path), options.clock, options.logger)
  } catch (error) {
    throw error instanceof CodedError ? error : unavailable(`open ${path}`, error)
  }
}
