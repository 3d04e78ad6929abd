/**
 * The key index of one day: SQLite, derived, rebuilt from the blocks whenever it cannot be trusted.
 *
 * An event's order number `n` is its eventTime within the day (milliseconds) times ORDINALS plus the
 * number of its arrival in the day, so that one number orders newest first, and ties by arrival.
 *
 * Every batch is one immutable run of sorted pages; small runs are merged into larger ones. A row per
 * posting cost 18 µs an event, a row per page of them costs below one (docs/decisions/0025).
 */
import type { DatabaseSync } from 'node:sqlite'
import { dayStartOf } from '../partition/layout.ts'

/**
 * Raised when the schema changes or when attributes.ts answers differently: an index of another
 * version is rebuilt.
 */
export const INDEX_VERSION = 2

/** 26 bits for arrivals, 27 for the millisecond: 53. */
export const ORDINALS = 2 ** 26

export const orderNumberOf = (dayStart: number, time: number, ordinal: number): number =>
  (time - dayStart) * ORDINALS + (ordinal % ORDINALS)

/** The smallest order number of a moment. */
export const firstOrderOf = (dayStart: number, time: number): number => (time - dayStart) * ORDINALS

export const timeOfOrder = (day: string, order: number): number =>
  dayStartOf(day) + Math.floor(order / ORDINALS)

/** Events of the largest batch. */
export const BATCH_EVENTS_MAX = 8_192

const SCHEMA = `
  CREATE TABLE run (number INTEGER PRIMARY KEY, events INTEGER NOT NULL, postings INTEGER NOT NULL,
    lowest INTEGER NOT NULL, highest INTEGER NOT NULL, fences BLOB NOT NULL, filter BLOB NOT NULL);
  CREATE TABLE page (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
  CREATE TABLE scope (h INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE covered (file INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
  CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO state VALUES ('arrivals', 0), ('clean', 0);
  PRAGMA user_version = ${INDEX_VERSION};
`

export const createSchema = (database: DatabaseSync): void => database.exec(SCHEMA)

export const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version)

/** SQLite's codes for a file that is no sound data base: SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED_CODES = new Set([11, 26])

/** Whether an error of node:sqlite says that the file itself is damaged. */
export const isDamage = (code: number | undefined): boolean =>
  code !== undefined && DAMAGED_CODES.has(code)
