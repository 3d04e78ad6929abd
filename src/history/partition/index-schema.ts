/**
 * The key index of one day: SQLite, derived, rebuilt from the blocks whenever it cannot be trusted.
 *
 * An event's order number `n` is its eventTime within the day (milliseconds) times ORDINALS plus the
 * number of its arrival in the day, so that one integer column orders newest first, and ties by
 * arrival.
 *
 * Postings are (segment, key, n). A segment is a run of SEGMENT_EVENTS arrivals, so that a batch
 * writes into a small corner of the tree: with one tree for the whole day every batch touches pages
 * all over it, and at 400,000 events the commit alone cost 19 µs an event.
 */
import type { DatabaseSync } from 'node:sqlite'
import { dayStartOf } from './layout.ts'

/**
 * Raised when the schema changes or when attributes.ts answers differently: an index of another
 * version is rebuilt.
 */
export const INDEX_VERSION = 1

/** 26 bits for arrivals, 27 for the millisecond: 53. */
const ORDINALS = 2 ** 26

export const orderNumberOf = (dayStart: number, time: number, ordinal: number): number =>
  (time - dayStart) * ORDINALS + (ordinal % ORDINALS)

/** The smallest order number of a moment. */
export const firstOrderOf = (dayStart: number, time: number): number => (time - dayStart) * ORDINALS

export const timeOfOrder = (day: string, order: number): number =>
  dayStartOf(day) + Math.floor(order / ORDINALS)

/** A segment that has as many events takes no further batch. */
export const SEGMENT_EVENTS = 32_768
/** Events of the largest batch: a segment may exceed its size by one. */
export const BATCH_EVENTS_MAX = 8_192

const SCHEMA = `
  CREATE TABLE posting (segment INTEGER NOT NULL, h INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (segment, h, n)) WITHOUT ROWID;
  CREATE TABLE segment (number INTEGER PRIMARY KEY, events INTEGER NOT NULL, lowest INTEGER NOT NULL,
    highest INTEGER NOT NULL, filter BLOB NOT NULL);
  CREATE TABLE event (n INTEGER PRIMARY KEY, shard INTEGER NOT NULL, sequence INTEGER NOT NULL,
    idx INTEGER NOT NULL, location INTEGER NOT NULL);
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
