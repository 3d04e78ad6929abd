import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  BUSY_TIMEOUT_MS,
  inTransaction,
  inTransactionIfFree,
  inTransactionSoon,
  openDatabase,
  sqliteCodeOf,
} from './sqlite.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-sqlite-'))
})
after(() => rm(folder, { recursive: true }))

describe('sqlite', () => {
  it('opens with WAL, the durability that was asked for, and for the owner only', async () => {
    const levels = { OFF: 0, NORMAL: 1, FULL: 2 } as const
    for (const synchronous of ['OFF', 'NORMAL', 'FULL'] as const) {
      const path = join(folder, `${synchronous}.db`)
      using db = openDatabase(path, { synchronous })
      assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, levels[synchronous])
      assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal')
      db.exec('CREATE TABLE t (a)')
      for (const suffix of ['', '-wal', '-shm']) {
        assert.equal((await stat(path + suffix)).mode & 0o777, 0o600)
      }
    }
  })

  it('waits for another writer without stopping the thread', async () => {
    const path = join(folder, 'busy.db')
    using other = openDatabase(path, { synchronous: 'FULL' })
    other.exec('CREATE TABLE t (a)')
    using db = openDatabase(path, { synchronous: 'FULL' })
    other.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
    let tries = 0
    const insert = (): void => {
      tries++
      db.exec('INSERT INTO t VALUES (2)')
    }
    assert.equal(inTransactionIfFree(db, insert), undefined)
    const soon = inTransactionSoon(db, insert)
    // Only a thread that runs on can let the other writer end.
    setImmediate(() => other.exec('COMMIT'))
    assert.deepEqual(await soon, { result: undefined })
    assert.equal(tries, 1)
    assert.equal(db.prepare('SELECT count(*) AS n FROM t').get()?.n, 2)
    assert.equal(Number(db.prepare('PRAGMA busy_timeout').get()?.timeout), BUSY_TIMEOUT_MS)
  })

  it('opens read-only beside a writer', () => {
    const path = join(folder, 'shared.db')
    using writer = openDatabase(path, { synchronous: 'FULL' })
    writer.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    using reader = openDatabase(path, { synchronous: 'FULL', readOnly: true })
    assert.equal(reader.prepare('SELECT a FROM t').get()?.a, 1)
    assert.throws(
      () => reader.exec('INSERT INTO t VALUES (2)'),
      (error) => sqliteCodeOf(error) === 8,
    )
  })

  it('commits what succeeds and rolls back what throws', () => {
    using db = openDatabase(join(folder, 'tx.db'), { synchronous: 'NORMAL' })
    db.exec('CREATE TABLE t (a)')
    assert.equal(
      inTransaction(db, () => {
        db.exec('INSERT INTO t VALUES (1)')
        return 'done'
      }),
      'done',
    )
    assert.throws(
      () =>
        inTransaction(db, () => {
          db.exec('INSERT INTO t VALUES (2)')
          throw new Error('no')
        }),
      /no/,
    )
    assert.equal(db.isTransaction, false)
    assert.deepEqual(
      db
        .prepare('SELECT a FROM t')
        .all()
        .map((row) => row.a),
      [1],
    )
  })
})
