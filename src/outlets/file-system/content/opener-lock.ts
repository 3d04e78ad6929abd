/**
 * Tells the content files of live processes from those that a crash left behind. Every opener holds
 * an exclusive SQLite lock on a file of its own; the operating system drops it when the process
 * dies, however it dies. (Node.js has no file locks of its own.)
 */
import { randomBytes } from 'node:crypto'
import { readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolder, syncFolder } from '../../../platform/durable-files.ts'

const LOCK_ENDING = '.lock'

export interface OpenerLock {
  /** 12 hexadecimal digits; every content file that this opener writes begins with it. */
  readonly id: string
  /** `clean`: nothing was left behind, no later sweep needs to look. */
  release(clean: boolean): Promise<void>
}

const tryLock = (path: string): DatabaseSync | undefined => {
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    // Nothing is ever written: a journal file would only stay behind.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return db
  } catch {
    // Busy: its opener lives. Anything else is treated the same: what is not known dead is kept.
    db.close()
    return undefined
  }
}

/** A lock file gets its final name only when it is held, so that no sweep takes it for a dead one. */
export const takeOpenerLock = async (folder: string): Promise<OpenerLock> => {
  await makeFolder(folder)
  const id = randomBytes(6).toString('hex')
  const path = join(folder, `${id}${LOCK_ENDING}`)
  const db = tryLock(`${path}.new`)
  if (db === undefined) throw new Error(`The new lock file ${path} is held by another process.`)
  await rename(`${path}.new`, path)
  await syncFolder(folder)
  return {
    id,
    release: async (clean) => {
      if (clean) await unlink(path)
      db.close()
    },
  }
}

/** Calls `sweep` with the ids of the openers that died, and forgets them when it succeeded. */
export const forDeadOpeners = async (
  folder: string,
  sweep: (ids: ReadonlySet<string>) => Promise<void>,
): Promise<void> => {
  const dead = new Map<string, DatabaseSync>()
  try {
    for (const name of await readdir(folder)) {
      if (!name.endsWith(LOCK_ENDING)) continue
      const db = tryLock(join(folder, name))
      if (db !== undefined) dead.set(name.slice(0, -LOCK_ENDING.length), db)
    }
    if (dead.size === 0) return
    await sweep(new Set(dead.keys()))
    for (const id of dead.keys()) await unlink(join(folder, `${id}${LOCK_ENDING}`))
  } finally {
    for (const db of dead.values()) db.close()
  }
}
