/**
 * Names on disk (docs/formats/history.md): `<history>/YYYY-MM-DD/events-N.blk` and `index.sqlite`.
 * A day is a UTC day of the events' own eventTime.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemCodeOf } from '../../platform/errors.ts'

export const DAY_MS = 86_400_000
export const INDEX_FILE = 'index.sqlite'
/** An index under construction; renamed to INDEX_FILE when it is whole. */
export const INDEX_BUILDING_FILE = 'index.building.sqlite'
/** Left by whoever met a damaged index; the writer rebuilds and removes it. */
export const INDEX_DAMAGED_FILE = 'index.damaged'
/** A day that retention is deleting. */
export const REMOVING_PREFIX = '.removing-'

/** 9999-12-31T23:59:59.999Z: the last moment whose day has a four-digit year. */
const TIME_MAX_MS = 253_402_300_799_999

/** The day asked for last: events come in the order of time, and formatting one costs 1 µs. */
let latest = { number: 0, name: '1970-01-01' }

/** `YYYY-MM-DD`; undefined outside the years 1970 to 9999. */
export const dayOf = (timeMs: number): string | undefined => {
  if (timeMs < 0 || timeMs > TIME_MAX_MS) return
  const number = Math.floor(timeMs / DAY_MS)
  if (number !== latest.number) {
    latest = { number, name: new Date(timeMs).toISOString().slice(0, 10) }
  }
  return latest.name
}

/** Epoch milliseconds at which a day begins. */
export const dayStartOf = (day: string): number => Date.parse(`${day}T00:00:00.000Z`)

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** The days that have a folder, oldest first. */
export const daysIn = (history: string): string[] =>
  namesIn(history)
    .filter((name) => /^\d{4}-\d\d-\d\d$/.test(name))
    .sort()

/** Leftovers of a deletion that was cut short. */
export const removalsIn = (history: string): string[] =>
  namesIn(history).filter((name) => name.startsWith(REMOVING_PREFIX))

export const blockFileName = (number: number): string => `events-${number}.blk`

/** Numbers of a day's block files, ascending. */
export const blockFilesIn = (dayFolder: string): number[] =>
  namesIn(dayFolder)
    .map((name) => /^events-([1-9]\d{0,8})\.blk$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)

export const isMarkedDamaged = (dayFolder: string): boolean =>
  existsSync(join(dayFolder, INDEX_DAMAGED_FILE))

/** A location says where an event's text is, in one safe integer: file, offset of the block, slot. */
const SLOTS = 64
const OFFSETS = 2 ** 32
/** Files of one day; with the other parts just below 2^53. */
export const BLOCK_FILES_MAX = 2 ** 15 - 1

export const locationOf = (file: number, offset: number, slot: number): number =>
  (file * OFFSETS + offset) * SLOTS + slot

export const placeOfLocation = (
  location: number,
): { file: number; offset: number; slot: number } => {
  const block = Math.floor(location / SLOTS)
  return { file: Math.floor(block / OFFSETS), offset: block % OFFSETS, slot: location % SLOTS }
}
