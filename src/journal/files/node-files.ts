import { fdatasync, watch, writevSync } from 'node:fs'
import { type FileHandle, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder, syncFolder } from '../../platform/durable-files.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import { SQLITE_BUSY, sqliteCodeOf } from '../../platform/sqlite.ts'
import { JournalError } from '../journal.ts'
import type { JournalFile, JournalFiles } from './journal-files.ts'

const FLAGS = { read: 'r', write: 'r+', create: 'w+' } as const

const LOCK_NAME = 'lock'

/**
 * A small write goes to the page cache in microseconds; a trip through the thread pool takes a
 * hundred and more, twice per commit (frame and head). Durability is fdatasync's business, which
 * stays in the pool.
 */
const SYNC_WRITE_BYTES_MAX = 64 * 1024

const fileOf = (handle: FileHandle): JournalFile => ({
  read: async (target, position) => {
    let total = 0
    while (total < target.length) {
      const { bytesRead } = await handle.read(
        target,
        total,
        target.length - total,
        position + total,
      )
      if (bytesRead === 0) break
      total += bytesRead
    }
    return total
  },
  writev: async (buffers, position) => {
    const total = buffers.reduce((sum, each) => sum + each.byteLength, 0)
    if (total <= SYNC_WRITE_BYTES_MAX) return writevSync(handle.fd, buffers, position)
    return (await handle.writev([...buffers], position)).bytesWritten
  },
  // Not handle.datasync(): the promise version costs the thread three times as much per commit.
  fdatasync: () =>
    new Promise((resolve, reject) => {
      fdatasync(handle.fd, (error) => (error === null ? resolve() : reject(error)))
    }),
  truncate: (length) => handle.truncate(length),
  size: async () => (await handle.stat()).size,
  close: () => handle.close(),
})

/**
 * A transaction that holds an exclusive lock on an empty SQLite file for as long as the owner lives:
 * the kernel drops the lock with the process, so that kill -9 leaves nothing stale, and SQLite
 * refuses a second connection of the same process too (fcntl alone would not).
 */
const lockFolder = async (folder: string): Promise<AsyncDisposable> => {
  const path = join(folder, LOCK_NAME)
  await (await open(path, 'a', 0o600)).close()
  const db = new DatabaseSync(path)
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    if (sqliteCodeOf(cause) !== SQLITE_BUSY) throw cause
    throw new JournalError('locked', `Another process appends to ${folder}.`, {
      cause,
      hint: 'Stop the other Clew that uses this data folder, or give this one another.',
    })
  }
  return {
    [Symbol.asyncDispose]: async () => {
      db.close()
    },
  }
}

/** The file system of this machine. */
export const nodeFiles: JournalFiles = {
  open: async (path, mode) => fileOf(await open(path, FLAGS[mode], 0o600)),
  list: async (folder) => {
    try {
      return (await readdir(folder)).sort()
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return []
      throw error
    }
  },
  makeFolder,
  rename: (from, to) => rename(from, to),
  unlink: (path) => unlink(path),
  syncFolder,
  statfs: async (folder) => {
    const facts = await statfs(folder)
    return { total: facts.blocks * facts.bsize, free: facts.bavail * facts.bsize }
  },
  lock: lockFolder,
  watch: (path, changed) => {
    const watcher = watch(path, { persistent: false }, changed)
    // Watching is an improvement over the poll that stands behind it; without it things are slower.
    watcher.on('error', () => watcher.close())
    return { [Symbol.dispose]: () => watcher.close() }
  },
}
