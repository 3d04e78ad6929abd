/** `clew fsck`: whether every block of the history is intact and the indexes say what the blocks say. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { MasterKey } from '../platform/encryption.ts'
import { messageOf } from '../platform/errors.ts'
import { openDatabase } from '../platform/sqlite.ts'
import { createAttributeHashes } from './attribute-hashes.ts'
import { checkIndex } from './key-index/index-check.ts'
import { INDEX_VERSION, versionOf } from './key-index/index-schema.ts'
import {
  cipherOfHeader,
  decodeBlock,
  FILE_HEADER_BYTES,
  type StoredEvent,
  scanBlocks,
} from './partition/block-codec.ts'
import { blockFileName, blockFilesIn, daysIn, INDEX_FILE, locationOf } from './partition/layout.ts'
import { prepareEvent } from './partition/prepared-event.ts'

export interface HistoryProblem {
  /** `2026-03-02/events-1.blk at byte 4711`, relative to the history's folder. */
  readonly place: string
  readonly problem: string
}

export interface HistoryReport {
  readonly days: number
  readonly blocks: number
  readonly events: number
  readonly problems: readonly HistoryProblem[]
}

/** Names at most this many problems of a day; the rest is counted. */
const PROBLEMS_PER_DAY_MAX = 100

interface DayCheck {
  readonly day: string
  readonly folder: string
  readonly master: MasterKey
  readonly problems: HistoryProblem[]
  blocks: number
  events: number
}

/**
 * Reads everything, changes nothing. Beside a running writer it checks what the index covered when
 * the day's turn came, and leaves what is being appended alone.
 */
export const fsckHistory = async (
  folder: string,
  options: { readonly master: MasterKey },
): Promise<HistoryReport> => {
  const total = { days: 0, blocks: 0, events: 0, problems: [] as HistoryProblem[] }
  for (const day of daysIn(folder)) {
    const check: DayCheck = {
      ...{ day, folder: join(folder, day), master: options.master },
      ...{ problems: [], blocks: 0, events: 0 },
    }
    try {
      checkDay(check)
    } catch (error) {
      check.problems.push({ place: day, problem: messageOf(error) })
    }
    total.days++
    total.blocks += check.blocks
    total.events += check.events
    total.problems.push(...check.problems.slice(0, PROBLEMS_PER_DAY_MAX))
    const more = check.problems.length - PROBLEMS_PER_DAY_MAX
    if (more > 0) total.problems.push({ place: day, problem: `${more} further problems.` })
  }
  return total
}

const checkDay = (check: DayCheck): void => {
  const path = join(check.folder, INDEX_FILE)
  if (!existsSync(path)) {
    if (blockFilesIn(check.folder).length === 0) return
    check.problems.push({ place: check.day, problem: 'No index; the server builds it at start.' })
    checkBlocks(check, undefined)
    return
  }
  const database = openDatabase(path, { synchronous: 'NORMAL', readOnly: true })
  try {
    if (versionOf(database) !== INDEX_VERSION) {
      throw new RangeError('The index has another version; the server builds it anew at start.')
    }
    const complaint = database.prepare('PRAGMA integrity_check(1)').get()?.integrity_check
    if (complaint !== 'ok') throw new RangeError(`SQLite: ${String(complaint)}`)
    // One snapshot, so that a running writer does not move what is compared.
    database.exec('BEGIN')
    checkBlocks(check, database)
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}

const checkBlocks = (check: DayCheck, index: DatabaseSync | undefined): void => {
  const rows = index?.prepare('SELECT file, bytes FROM covered').all() ?? []
  const covered = new Map(rows.map((row) => [Number(row.file), Number(row.bytes)]))
  const compare = index === undefined ? undefined : comparison(check, index)
  for (const file of blockFilesIn(check.folder)) {
    const whole = readFileSync(join(check.folder, blockFileName(file)))
    const bytes = index === undefined ? whole : whole.subarray(0, covered.get(file) ?? 0)
    checkFile(check, file, bytes, compare?.event)
    covered.delete(file)
  }
  for (const file of covered.keys()) {
    check.problems.push({ place: `${check.day}/${blockFileName(file)}`, problem: 'It is missing.' })
  }
  compare?.finish()
}

const checkFile = (
  check: DayCheck,
  file: number,
  bytes: Buffer,
  each: ((event: StoredEvent, location: number) => void) | undefined,
): void => {
  const name = `${check.day}/${blockFileName(file)}`
  if (bytes.length === 0) return
  const cipher = cipherOfHeader(bytes, check.master)
  if (cipher === undefined) {
    check.problems.push({ place: name, problem: 'Its header is damaged.' })
    return
  }
  const { blocks, damaged, end } = scanBlocks(bytes, FILE_HEADER_BYTES)
  const bad =
    end < bytes.length ? [...damaged, { offset: end, length: bytes.length - end }] : damaged
  for (const { offset, length } of bad) {
    check.problems.push({ place: `${name} at byte ${offset}`, problem: `${length} bytes damaged.` })
  }
  for (const { offset, length } of blocks) {
    check.blocks++
    try {
      const place = { day: check.day, file, offset }
      decodeBlock(bytes.subarray(offset, offset + length), place, cipher).forEach((event, slot) => {
        check.events++
        each?.(event, locationOf(file, offset, slot))
      })
    } catch (error) {
      check.problems.push({ place: `${name} at byte ${offset}`, problem: messageOf(error) })
    }
  }
}

/** Every event of the blocks is in the index with all its keys, and the index has no others. */
const comparison = (check: DayCheck, index: DatabaseSync) => {
  const hashes = createAttributeHashes(check.master)
  const { problems, compare, left } = checkIndex(index, check.day)
  for (const problem of problems) check.problems.push({ place: check.day, problem })
  return {
    event: (stored: StoredEvent, location: number): void => {
      const prepared = prepareEvent(stored, hashes)
      const problem =
        prepared === undefined ? 'It has no place in time.' : compare(prepared.entry, location)
      if (problem === undefined) return
      check.problems.push({ place: `${check.day}, event ${stored.eventId}`, problem })
    },
    finish: (): void => {
      if (left() === 0) return
      const problem = `The index has ${left()} events that no block has.`
      check.problems.push({ place: check.day, problem })
    },
  }
}
