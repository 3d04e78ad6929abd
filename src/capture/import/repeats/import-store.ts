/**
 * What imports remember in `<data>/import/imports.sqlite` (docs/formats/import.md): the fingerprints of
 * all imported events by hour, the files that were read, and the batches whose way into the journal is
 * not confirmed yet. One process at a time has it open: the lock is its own database.
 */
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Sequence, Shard } from '../../../journal/journal.ts'
import { makeFolder } from '../../../platform/durable-files.ts'
import { inTransaction, openDatabase } from '../../../platform/sqlite.ts'
import { ImportError } from '../import-error.ts'
import type { CutterPlace } from '../json/cut-record.ts'

export const FORMAT_VERSION = 1
export const DATABASE = 'imports.sqlite'
const LOCK = 'lock.sqlite'

/** 0: the event history alone. */
export type Destination = number
export const HISTORY: Destination = 0

/** A trail that is deleted and created anew gets everything again: its bucket may be another one. */
export const destinationName = (trail: {
  readonly arn: string
  readonly incarnation: string
}): string => `${trail.arn} ${trail.incarnation}`

/** How far a file was read. */
export interface FileProgress {
  readonly path: string
  /** Changes with the file: size and time, or the ETag. */
  readonly version: string
  readonly done: boolean
  /** Events of the file so far, repeats included. */
  readonly events: number
  /** Absent once it is done. */
  readonly place?: CutterPlace
}

export interface FrameNote {
  readonly shard: Shard
  /** Everything of the journal up to here was there before the frame. */
  readonly head: Sequence
  /** Of its bytes: SHA-256, hex. */
  readonly digest: string
  readonly events: number
  /** By hour: the fingerprints of its events. */
  readonly hours: ReadonlyMap<number, Buffer>
}

export interface BatchNote {
  readonly frames: readonly FrameNote[]
  readonly files: readonly FileProgress[]
}

export interface OpenBatch extends Omit<BatchNote, 'frames'> {
  readonly batch: number
  /** Name of its destination; absent: the event history. */
  readonly destination?: string
  readonly frames: readonly (Omit<FrameNote, 'hours'> & { readonly frame: number })[]
}

const SCHEMA = `
  CREATE TABLE destination (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE repeat (
    hour INTEGER NOT NULL, batch INTEGER NOT NULL, frame INTEGER NOT NULL,
    destination INTEGER NOT NULL, fingerprints BLOB NOT NULL,
    PRIMARY KEY (hour, batch, frame)) WITHOUT ROWID;
  CREATE TABLE batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination INTEGER NOT NULL, files TEXT NOT NULL);
  CREATE TABLE frame (
    batch INTEGER NOT NULL, frame INTEGER NOT NULL, shard INTEGER NOT NULL, head INTEGER NOT NULL,
    digest TEXT NOT NULL, events INTEGER NOT NULL, hours TEXT NOT NULL,
    PRIMARY KEY (batch, frame)) WITHOUT ROWID;
  CREATE TABLE file (
    destination INTEGER NOT NULL, path TEXT NOT NULL, version TEXT NOT NULL,
    progress TEXT NOT NULL, PRIMARY KEY (destination, path)) WITHOUT ROWID;
  CREATE TABLE survey (path TEXT PRIMARY KEY, version TEXT NOT NULL, accounts TEXT NOT NULL) WITHOUT ROWID;
`

const takeLock = (folder: string): DatabaseSync => {
  const lock = new DatabaseSync(join(folder, LOCK))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw new ImportError('busy', 'Another import runs on this data folder.', {
      cause,
      hint: 'Wait until it has ended; what it has read then need not be read again.',
    })
  }
}

const migrate = (db: DatabaseSync): void => {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0)
  if (version > FORMAT_VERSION) {
    throw new ImportError('newer-format', `The import index has format ${version}.`, {
      hint: 'Use the release of Clew that wrote it.',
    })
  }
  if (version === 0) {
    inTransaction(db, () => {
      db.exec(SCHEMA)
      db.exec(`PRAGMA user_version = ${FORMAT_VERSION}`)
    })
  }
}

export class ImportStore {
  readonly #db: DatabaseSync
  readonly #lock: DatabaseSync
  readonly #insertRepeat: StatementSync
  readonly #insertFrame: StatementSync
  readonly #insertBatch: StatementSync
  readonly #selectRepeats: StatementSync

  constructor(db: DatabaseSync, lock: DatabaseSync) {
    this.#db = db
    this.#lock = lock
    this.#insertRepeat = db.prepare('INSERT INTO repeat VALUES (?, ?, ?, ?, ?)')
    this.#insertFrame = db.prepare('INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#insertBatch = db.prepare('INSERT INTO batch (destination, files) VALUES (?, ?)')
    this.#selectRepeats = db.prepare('SELECT destination, fingerprints FROM repeat WHERE hour = ?')
  }

  /** The number of a destination's name (`destinationName`); the same in every run. */
  destination(name: string | undefined): Destination {
    if (name === undefined) return HISTORY
    const db = this.#db
    db.prepare('INSERT OR IGNORE INTO destination (name) VALUES (?)').run(name)
    return Number(db.prepare('SELECT id FROM destination WHERE name = ?').get(name)?.id)
  }

  *repeats(hour: number): Generator<{ destination: Destination; fingerprints: Buffer }> {
    for (const row of this.#selectRepeats.iterate(hour)) {
      const bytes = row.fingerprints as Uint8Array
      const fingerprints = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      yield { destination: Number(row.destination), fingerprints }
    }
  }

  file(destination: Destination, path: string, version: string): FileProgress | undefined {
    const row = this.#db
      .prepare('SELECT progress FROM file WHERE destination = ? AND path = ? AND version = ?')
      .get(destination, path, version)
    return row === undefined ? undefined : (JSON.parse(String(row.progress)) as FileProgress)
  }

  /** The accounts that a file names, as found in an earlier survey. */
  survey(path: string, version: string): string[] | undefined {
    const row = this.#db
      .prepare('SELECT accounts FROM survey WHERE path = ? AND version = ?')
      .get(path, version)
    return row === undefined ? undefined : (JSON.parse(String(row.accounts)) as string[])
  }

  putSurvey(path: string, version: string, accounts: readonly string[]): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO survey VALUES (?, ?, ?)')
      .run(path, version, JSON.stringify(accounts))
  }

  /**
   * Notes a batch durably before the first of its frames is handed to the journal, and confirms
   * those before it in the same transaction. Returns its number.
   */
  note(destination: Destination, note: BatchNote, confirmed: readonly number[]): number {
    return inTransaction(this.#db, () => {
      this.#confirm(confirmed)
      const batch = Number(
        this.#insertBatch.run(destination, JSON.stringify(note.files)).lastInsertRowid,
      )
      for (const [frame, each] of note.frames.entries()) {
        const { shard, head, digest, events, hours } = each
        const hourList = JSON.stringify([...hours.keys()])
        this.#insertFrame.run(batch, frame, shard, head, digest, events, hourList)
        for (const [hour, fingerprints] of hours) {
          this.#insertRepeat.run(hour, batch, frame, destination, fingerprints)
        }
      }
      return batch
    })
  }

  /** The frames of these batches are in the journal; batches MUST be confirmed in order. */
  confirm(batches: readonly number[]): void {
    inTransaction(this.#db, () => this.#confirm(batches))
  }

  /** Batches of an earlier run that were never confirmed, oldest first. */
  open(): OpenBatch[] {
    const batches = this.#db
      .prepare(
        `SELECT batch.id, files, name FROM batch
         LEFT JOIN destination ON destination.id = batch.destination ORDER BY batch.id`,
      )
      .all()
    const frames = this.#db.prepare('SELECT * FROM frame WHERE batch = ? ORDER BY frame')
    return batches.map((row) => ({
      batch: Number(row.id),
      ...(row.name === null ? {} : { destination: String(row.name) }),
      files: JSON.parse(String(row.files)) as FileProgress[],
      frames: frames.all(Number(row.id)).map(({ frame, shard, head, digest, events }) => ({
        ...{ frame: Number(frame), shard: Number(shard), head: Number(head) },
        ...{ digest: String(digest), events: Number(events) },
      })),
    }))
  }

  /**
   * Ends a batch of an earlier run: `missing` frames never came into the journal, and their events are
   * read again. Where one is missing, here or before, the files' progress does not hold.
   */
  settle(batch: number, missing: readonly number[], progressHolds: boolean): void {
    const db = this.#db
    inTransaction(db, () => {
      const hoursOf = db.prepare('SELECT hours FROM frame WHERE batch = ? AND frame = ?')
      const forget = db.prepare('DELETE FROM repeat WHERE hour = ? AND batch = ? AND frame = ?')
      for (const frame of missing) {
        const hours = JSON.parse(String(hoursOf.get(batch, frame)?.hours ?? '[]')) as number[]
        for (const hour of hours) forget.run(hour, batch, frame)
      }
      if (progressHolds) this.#confirm([batch])
      else this.#drop(batch)
    })
  }

  close(): void {
    this.#db.close()
    this.#lock.close()
  }

  #drop(batch: number): void {
    this.#db.prepare('DELETE FROM frame WHERE batch = ?').run(batch)
    this.#db.prepare('DELETE FROM batch WHERE id = ?').run(batch)
  }

  #confirm(batches: readonly number[]): void {
    const put = this.#db.prepare('INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)')
    const read = this.#db.prepare('SELECT destination, files FROM batch WHERE id = ?')
    for (const batch of batches) {
      const row = read.get(batch)
      const files = JSON.parse(String(row?.files ?? '[]')) as FileProgress[]
      for (const file of files) {
        put.run(Number(row?.destination), file.path, file.version, JSON.stringify(file))
      }
      this.#drop(batch)
    }
  }
}

/** Throws ImportError `busy` while another import has it open. */
export const openImportStore = async (folder: string): Promise<ImportStore> => {
  await makeFolder(folder)
  const lock = takeLock(folder)
  try {
    const db = openDatabase(join(folder, DATABASE), { synchronous: 'FULL' })
    try {
      migrate(db)
      return new ImportStore(db, lock)
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    lock.close()
    throw error
  }
}
