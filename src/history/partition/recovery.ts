/**
 * Opens a day for writing and makes index and blocks agree (docs/formats/history.md, "Recovery").
 * The blocks decide: an index that is missing, damaged, of another version or ahead of them is built
 * anew, one that is behind catches up, and what follows the last intact block is cut off.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder, writeFileDurably } from '../../platform/durable-files.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { openDatabase } from '../../platform/sqlite.ts'
import type { AttributeHashes } from '../attribute-hashes.ts'
import { DayIndex } from '../key-index/day-index.ts'
import { BATCH_EVENTS_MAX, INDEX_VERSION, versionOf } from '../key-index/index-schema.ts'
import {
  BLOCK_EVENTS_MAX,
  type BlockScan,
  cipherOfHeader,
  decodeBlock,
  FILE_HEADER_BYTES,
  scanBlocks,
} from './block-codec.ts'
import type { OpenFile } from './block-writer.ts'
import {
  blockFileName,
  blockFilesIn,
  INDEX_BUILDING_FILE,
  INDEX_DAMAGED_FILE,
  INDEX_FILE,
  isMarkedDamaged,
  locationOf,
} from './layout.ts'
import { type PreparedEvent, prepareEvent } from './prepared-event.ts'

/** After a crash SQLite checks an index up to this size; larger ones would delay the start. */
const INDEX_CHECK_BYTES_MAX = 268_435_456
/** Events of one transaction while an index is built: with the next block still within the bound. */
const BUILD_EVENTS = BATCH_EVENTS_MAX - BLOCK_EVENTS_MAX

export interface DayContext {
  readonly history: string
  readonly day: string
  readonly master: MasterKey
  readonly hashes: AttributeHashes
  readonly logger: Logger
  /** Called when an index is built from its blocks. */
  readonly rebuilt: () => void
}

export interface RecoveredDay {
  readonly index: DayIndex
  /** The newest block file, where it may be appended to. */
  readonly file: OpenFile | undefined
  readonly lastNumber: number
}

const folderOf = ({ history, day }: DayContext): string => join(history, day)

const removeIndex = (folder: string, name: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder, name + suffix), { force: true })
}

/** Why the index cannot be used, or undefined when it can. */
const faultOf = (index: DayIndex, folder: string, path: string): string | undefined => {
  if (isMarkedDamaged(folder)) return 'it was reported damaged'
  const clean = index.takeClean()
  if (!clean && statSync(path).size <= INDEX_CHECK_BYTES_MAX) {
    const complaint = index.check()
    if (complaint !== 'ok') return complaint
  }
  for (const [file, bytes] of index.covered()) {
    const block = join(folder, blockFileName(file))
    if (!existsSync(block) || statSync(block).size < bytes) return 'it is ahead of the blocks'
  }
  return undefined
}

/** The index as it is, or undefined with the reason logged. */
const openIndex = (context: DayContext): DayIndex | undefined => {
  const folder = folderOf(context)
  const path = join(folder, INDEX_FILE)
  if (!existsSync(path)) return
  let index: DayIndex | undefined
  let reason: string | undefined
  try {
    index = new DayIndex(path, context.day, context.master, false)
    reason = faultOf(index, folder, path)
  } catch (error) {
    reason = messageOf(error)
  }
  if (reason === undefined) return index
  index?.close(false)
  context.logger.warn({ day: context.day, reason }, 'The history index of a day is built anew.')
  return
}

/** Puts the events of intact blocks into the index, in the order of the file. */
const indexBlocks = (
  context: DayContext,
  index: DayIndex,
  file: number,
  bytes: Buffer,
  scan: BlockScan,
): void => {
  const cipher = cipherOfHeader(bytes, context.master)
  if (cipher === undefined) return
  let pending: PreparedEvent[] = []
  let locations: number[] = []
  const commit = (end: number): void => {
    const draft = index.draft(pending.map(({ entry }) => entry))
    index.insert(draft, locations, { file, bytes: end })
    index.merge()
    pending = []
    locations = []
  }
  for (const { offset, length } of scan.blocks) {
    const place = { day: context.day, file, offset }
    decodeBlock(bytes.subarray(offset, offset + length), place, cipher).forEach((event, slot) => {
      const prepared = prepareEvent(event, context.hashes)
      // Only what has a time in this day was ever written here.
      if (prepared?.day !== context.day) return
      pending.push(prepared)
      locations.push(locationOf(file, offset, slot))
    })
    if (pending.length >= BUILD_EVENTS) commit(offset + length)
  }
  commit(scan.end)
}

/** Reports what is no block, and says up to where the file is good. */
const scanFile = (context: DayContext, file: number, bytes: Buffer, from: number): BlockScan => {
  const scan = scanBlocks(bytes, from)
  for (const run of scan.damaged) {
    const place = { day: context.day, file: blockFileName(file), ...run }
    context.logger.error(place, 'A block of the event history is damaged; it is kept and skipped.')
  }
  return scan
}

/**
 * Ends a file behind its last intact block and makes that much durable. `keep`: nothing tells whether
 * the rest was ever acknowledged, so it is put aside.
 */
const settleTail = async (
  context: DayContext,
  file: number,
  bytes: Buffer,
  end: number,
  keep: boolean,
): Promise<void> => {
  const name = blockFileName(file)
  const path = join(folderOf(context), name)
  const tail = bytes.subarray(end)
  if (tail.length > 0 && keep) await writeFileDurably(`${path}.cut-${end}`, tail)
  const handle = await open(path, 'r+')
  try {
    if (tail.length > 0) {
      await handle.truncate(end)
      const fields = { day: context.day, file: name, bytes: tail.length, keptAside: keep }
      context.logger.warn(fields, 'An unfinished block at the end of the history was cut off.')
    }
    // Blocks that were only in the page cache when the process died become durable here.
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** Brings the index up to its blocks. */
const catchUp = async (context: DayContext, index: DayIndex, files: number[]): Promise<void> => {
  const covered = index.covered()
  for (const file of files) {
    const path = join(folderOf(context), blockFileName(file))
    const from = Math.max(covered.get(file) ?? 0, FILE_HEADER_BYTES)
    if (statSync(path).size <= from) continue
    const bytes = readFileSync(path)
    const scan = scanFile(context, file, bytes, from)
    await settleTail(context, file, bytes, scan.end, false)
    indexBlocks(context, index, file, bytes, scan)
  }
}

/** Builds the index beside the old one, which readers use until the new one takes its name. */
const rebuild = async (context: DayContext, files: number[]): Promise<DayIndex> => {
  const folder = folderOf(context)
  const building = join(folder, INDEX_BUILDING_FILE)
  removeIndex(folder, INDEX_BUILDING_FILE)
  const fresh = new DayIndex(building, context.day, context.master, true)
  try {
    for (const file of files) {
      const bytes = readFileSync(join(folder, blockFileName(file)))
      const scan = scanFile(context, file, bytes, FILE_HEADER_BYTES)
      // Without an index nothing tells an unfinished block from one that was damaged later.
      await settleTail(context, file, bytes, scan.end, true)
      indexBlocks(context, fresh, file, bytes, scan)
    }
  } finally {
    fresh.close(false)
  }
  const descriptor = openSync(building, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
  // A write-ahead log of the old index must not be replayed into the new one.
  removeIndex(folder, INDEX_FILE)
  renameSync(building, join(folder, INDEX_FILE))
  rmSync(join(folder, INDEX_DAMAGED_FILE), { force: true })
  await syncFolder(folder)
  if (files.length > 0) context.rebuilt()
  return new DayIndex(join(folder, INDEX_FILE), context.day, context.master, false)
}

/** The newest file; recovery ended it behind its last intact block. */
const openForAppend = async (
  context: DayContext,
  file: number | undefined,
): Promise<OpenFile | undefined> => {
  if (file === undefined) return
  const handle = await open(join(folderOf(context), blockFileName(file)), 'r+')
  try {
    const header = Buffer.alloc(FILE_HEADER_BYTES)
    await handle.read(header, 0, FILE_HEADER_BYTES, 0)
    const cipher = cipherOfHeader(header, context.master)
    const { size } = await handle.stat()
    if (cipher !== undefined) return { number: file, handle, cipher, durable: size }
  } catch (error) {
    await handle.close()
    throw error
  }
  await handle.close()
  return
}

/** A file whose header never became whole holds nothing that was acknowledged. */
const dropHeaderless = async (context: DayContext): Promise<number[]> => {
  const files = blockFilesIn(folderOf(context))
  const last = files.at(-1)
  if (last === undefined) return files
  const path = join(folderOf(context), blockFileName(last))
  if (statSync(path).size > FILE_HEADER_BYTES) return files
  if (cipherOfHeader(readFileSync(path), context.master) !== undefined) return files
  await unlink(path)
  return files.slice(0, -1)
}

/**
 * Whether a day was closed properly and its index covers its blocks to the last byte, found without
 * writing anything: a start looks at ninety of them.
 */
export const isSettled = (history: string, day: string): boolean => {
  const folder = join(history, day)
  const path = join(folder, INDEX_FILE)
  if (isMarkedDamaged(folder) || !existsSync(path)) return false
  try {
    const database = openDatabase(path, { synchronous: 'NORMAL', readOnly: true })
    try {
      if (versionOf(database) !== INDEX_VERSION) return false
      const clean = database.prepare("SELECT value FROM state WHERE name = 'clean'").get()
      const rows = database.prepare('SELECT file, bytes FROM covered').all()
      const covered = new Map(rows.map((row) => [Number(row.file), Number(row.bytes)]))
      return (
        clean?.value === 1 &&
        blockFilesIn(folder).every(
          (file) => statSync(join(folder, blockFileName(file))).size === covered.get(file),
        )
      )
    } finally {
      database.close()
    }
  } catch {
    // Recovery opens it again and says what is wrong.
    return false
  }
}

export const openDayFiles = async (context: DayContext): Promise<RecoveredDay> => {
  await makeFolder(folderOf(context))
  const files = await dropHeaderless(context)
  let index = openIndex(context)
  try {
    if (index === undefined) index = await rebuild(context, files)
    else await catchUp(context, index, files)
    const file = await openForAppend(context, files.at(-1))
    return { index, file, lastNumber: files.at(-1) ?? 0 }
  } catch (error) {
    index?.close(false)
    throw error
  }
}
