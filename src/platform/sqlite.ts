import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/** How long a statement waits for another process's write lock before it fails with SQLITE_BUSY. */
export const BUSY_TIMEOUT_MS = 5_000

/**
 * `FULL`: a commit is durable when it returns. `NORMAL`: consistent after a power loss, but the last
 * commits may be gone. `OFF`: for derived data that is rebuilt (https://sqlite.org/pragma.html#pragma_synchronous).
 */
export type Synchronous = 'FULL' | 'NORMAL' | 'OFF'

/** SQLite's primary result code of an error of node:sqlite (13 SQLITE_FULL), or undefined. */
export const sqliteCodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined

export const SQLITE_BUSY = 5

/** SQLite gives its -wal and -shm files the mode of the database, so that setting this one is enough. */
const makePrivate = (path: string): void => {
  const file = openSync(path, 'a', 0o600)
  try {
    if ((fstatSync(file).mode & 0o077) !== 0) fchmodSync(file, 0o600)
  } finally {
    closeSync(file)
  }
}

/**
 * SQLite syncs the folder itself when it begins a -wal file, and ignores it when that fails: the next
 * power loss would then take the file with all that was committed into it (found by test/faults).
 */
const syncFolderOf = (path: string): void => {
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** The change to WAL needs an exclusive lock and does not wait for it, so two first openers retry. */
const enterWal = (db: DatabaseSync): void => {
  const deadline = performance.now() + BUSY_TIMEOUT_MS
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (sqliteCodeOf(error) !== SQLITE_BUSY || performance.now() > deadline) throw error
      Atomics.wait(pause, 0, 0, 5)
    }
  }
}

/**
 * Opens (and, unless `readOnly`, creates) a database: WAL, file mode 0600, waits for other writers.
 * Several processes may open the same file; it must be on a local file system (WAL shares memory).
 * The caller owns the handle and closes it.
 */
export const openDatabase = (
  path: string,
  options: { synchronous: Synchronous; readOnly?: boolean },
): DatabaseSync => {
  const readOnly = options.readOnly ?? false
  if (!readOnly && path !== ':memory:') makePrivate(path)
  const db = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS })
  try {
    if (!readOnly) enterWal(db)
    if (!readOnly && options.synchronous === 'FULL' && path !== ':memory:') syncFolderOf(path)
    db.exec(`PRAGMA synchronous = ${options.synchronous}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Runs `work` in one transaction that takes the write lock at once, so that it never fails half-way
 * for want of it. Rolls back and rethrows what `work` throws. `work` MUST be synchronous.
 */
export const inTransaction = <Result>(db: DatabaseSync, work: () => Result): Result => {
  db.exec('BEGIN IMMEDIATE')
  return untilCommitted(db, work)
}

/**
 * The same where no other process holds the write lock; undefined, and nothing done, where one does.
 * SQLite waits by sleeping in the calling thread: a process that answers calls waits with a timer
 * instead, so that a stopped or busy neighbour delays the writes and nothing else (decision 32).
 */
export const inTransactionIfFree = <Result>(
  db: DatabaseSync,
  work: () => Result,
): { readonly result: Result } | undefined => {
  db.exec('PRAGMA busy_timeout = 0')
  try {
    db.exec('BEGIN IMMEDIATE')
  } catch (error) {
    if (sqliteCodeOf(error) === SQLITE_BUSY) return undefined
    throw error
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  }
  return { result: untilCommitted(db, work) }
}

/** A first look again after this pause, milliseconds; each further pause is twice as long. */
const BUSY_PAUSE_MS = 2
const BUSY_PAUSE_MS_MAX = 50

/**
 * `inTransactionIfFree`, repeated for BUSY_TIMEOUT_MS while another process writes; then `undefined`.
 * The event loop runs meanwhile.
 */
export const inTransactionSoon = async <Result>(
  db: DatabaseSync,
  work: () => Result,
): Promise<{ readonly result: Result } | undefined> => {
  const deadline = performance.now() + BUSY_TIMEOUT_MS
  for (let pause = BUSY_PAUSE_MS; ; pause = Math.min(2 * pause, BUSY_PAUSE_MS_MAX)) {
    const done = inTransactionIfFree(db, work)
    if (done !== undefined || performance.now() > deadline) return done
    await delay(pause)
  }
}

const untilCommitted = <Result>(db: DatabaseSync, work: () => Result): Result => {
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite rolls back by itself after some errors (disk full); then there is nothing to undo.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
