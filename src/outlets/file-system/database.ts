/**
 * The metadata database of the file-system store: which buckets, objects, uploads exist and which
 * content files they are made of (docs/formats/objects.md). Keys are BLOBs, so that SQLite orders
 * them by their UTF-8 bytes, as S3 does. What a user writes beside a key is sealed.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Cipher, MasterKey } from '../../platform/encryption.ts'
import { inTransaction, inTransactionSoon, openDatabase } from '../../platform/sqlite.ts'
import { ObjectStoreError } from '../object-store.ts'

export const FORMAT_VERSION = 1

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bucket (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
  region TEXT NOT NULL, created INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS object (
  bucket INTEGER NOT NULL, key BLOB NOT NULL, holder INTEGER NOT NULL, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS upload (
  bucket INTEGER NOT NULL, key BLOB NOT NULL, id TEXT NOT NULL, holder INTEGER NOT NULL,
  initiated INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (bucket, key, id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (
  holder INTEGER NOT NULL, number INTEGER NOT NULL, file TEXT, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (holder, number)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS part_by_file ON part (file) WHERE file IS NOT NULL;
CREATE TABLE IF NOT EXISTS garbage (file TEXT PRIMARY KEY, due INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

export type Row = Record<string, unknown>
export type SqlValue = string | number | bigint | Uint8Array | null

export interface StoreDatabase {
  /** Every row of a query. Statements are prepared once per text. */
  all(sql: string, ...values: SqlValue[]): Row[]
  get(sql: string, ...values: SqlValue[]): Row | undefined
  run(sql: string, ...values: SqlValue[]): void
  /** Reads of `work` see one state, also while another process writes. */
  snapshot<Result>(work: () => Result): Result
  /** False, and nothing done, where another process went on writing (platform/sqlite.ts). */
  transaction(work: () => void): Promise<boolean>
  /** Undoes what `work` wrote when it throws, inside a transaction. */
  savepoint<Result>(work: () => Result): Result
  /** A number that no object revision or upload had before; only inside a transaction. */
  nextHolder(): number
  /** Sealed JSON; `place` binds the value to its row. */
  seal(value: unknown, place: string): Buffer
  open<Value>(sealed: unknown, place: string): Value
  close(): void
}

const prepare = (db: DatabaseSync, masterKey: MasterKey): Cipher => {
  db.exec(SCHEMA)
  const read = db.prepare('SELECT value FROM meta WHERE name = ?')
  const write = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)')
  const version = read.get('version')?.value
  if (version === undefined) {
    write.run('version', FORMAT_VERSION)
    write.run('holder', 0)
    write.run('key', masterKey.newDataKey().wrapped)
  } else if (version !== FORMAT_VERSION) {
    throw new ObjectStoreError(
      'failed',
      `The object store has format ${String(version)}; this release reads ${FORMAT_VERSION}.`,
      { hint: 'Start the release that wrote the data folder, or a newer one.' },
    )
  }
  const wrapped = read.get('key')?.value
  if (!(wrapped instanceof Uint8Array)) throw new ObjectStoreError('failed', 'The key is missing.')
  return masterKey.dataKey(wrapped)
}

/** What a bucket's settings are sealed for. */
export const bucketPlace = (name: string): string => `bucket ${name}`

export const blobOf = (value: unknown): Buffer => {
  if (!(value instanceof Uint8Array)) throw new TypeError('A BLOB column holds something else.')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

export const openStoreDatabase = (path: string, masterKey: MasterKey): StoreDatabase => {
  const db = openDatabase(path, { synchronous: 'FULL' })
  const statements = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = db.prepare(sql)
    statements.set(sql, made)
    return made
  }
  let cipher: Cipher
  try {
    cipher = inTransaction(db, () => prepare(db, masterKey))
  } catch (error) {
    db.close()
    throw error
  }
  const bracket = <Result>(open: string, done: string, undo: string, work: () => Result) => {
    db.exec(open)
    try {
      const result = work()
      db.exec(done)
      return result
    } catch (error) {
      if (db.isTransaction) db.exec(undo)
      throw error
    }
  }
  return {
    all: (sql, ...values) => statement(sql).all(...values),
    get: (sql, ...values) => statement(sql).get(...values),
    run: (sql, ...values) => void statement(sql).run(...values),
    snapshot: (work) => bracket('BEGIN', 'COMMIT', 'ROLLBACK', work),
    transaction: async (work) => (await inTransactionSoon(db, work)) !== undefined,
    savepoint: (work) =>
      bracket('SAVEPOINT change', 'RELEASE change', 'ROLLBACK TO change; RELEASE change', work),
    nextHolder: () => {
      const row = statement(
        "UPDATE meta SET value = value + 1 WHERE name = 'holder' RETURNING value",
      ).get()
      return Number(row?.value)
    },
    seal: (value, place) => cipher.seal(Buffer.from(JSON.stringify(value)), Buffer.from(place)),
    open: (sealed, place) =>
      JSON.parse(cipher.open(blobOf(sealed), Buffer.from(place)).toString('utf8')),
    close: () => db.close(),
  }
}
