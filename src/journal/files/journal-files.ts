/**
 * The file-system calls of journal and spool, as a parameter, so that tests can fail, shorten or
 * tear each one and cut the power after it (test/faults). `node-files.ts` is the real thing.
 */

export interface JournalFile {
  /** Bytes read into `target`; fewer than its length only at the end of the file. */
  read(target: Buffer, position: number): Promise<number>
  /** Bytes written: MAY be fewer than given, the caller writes the rest. */
  writev(buffers: readonly Uint8Array[], position: number): Promise<number>
  /** Makes content and length durable. After a rejection nothing is known of either. */
  fdatasync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface JournalFiles {
  /** `create`: new and empty, mode 0600; an old file of that name is emptied. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<JournalFile>
  /** Names in the folder, sorted; `[]` where there is no such folder. */
  list(folder: string): Promise<string[]>
  makeFolder(folder: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Makes created, renamed and removed entries of the folder durable. */
  syncFolder(folder: string): Promise<void>
  /** Bytes of the file system: all, and those that are still free for us. */
  statfs(folder: string): Promise<{ total: number; free: number }>
  /**
   * Takes the folder for one owner in one process; ends with the process at the latest. Rejects with
   * JournalError `locked` when another one has it.
   */
  lock(folder: string): Promise<AsyncDisposable>
  /** Calls `changed` soon after the file's content changed; may call too often, or miss a change. */
  watch(path: string, changed: () => void): Disposable
}

const totalOf = (buffers: readonly Uint8Array[]): number =>
  buffers.reduce((sum, each) => sum + each.byteLength, 0)

/** `buffers` without their first `count` bytes. */
const skip = (buffers: readonly Uint8Array[], count: number): Uint8Array[] => {
  const rest: Uint8Array[] = []
  let left = count
  for (const each of buffers) {
    if (left >= each.byteLength) left -= each.byteLength
    else {
      rest.push(each.subarray(left))
      left = 0
    }
  }
  return rest
}

/** Writes all of `buffers`, however short each single write is. Returns the bytes written. */
export const writeAll = async (
  file: JournalFile,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<number> => {
  const total = totalOf(buffers)
  let written = await file.writev(buffers, position)
  while (written < total) {
    const more = await file.writev(skip(buffers, written), position + written)
    // A write of nothing would repeat for ever; POSIX allows it, no local file system does it.
    if (more === 0) throw new Error(`The file takes no more bytes at ${position + written}.`)
    written += more
  }
  return total
}

/** Up to `length` bytes from `position`; shorter at the end of the file. */
export const readAt = async (
  file: JournalFile,
  position: number,
  length: number,
): Promise<Buffer> => {
  const target = Buffer.allocUnsafe(length)
  return target.subarray(0, await file.read(target, position))
}

/** Creates `path` whole or not at all: temporary file, fdatasync, rename, fsync of the folder. */
export const createDurably = async (
  files: JournalFiles,
  folder: string,
  name: string,
  buffers: readonly Uint8Array[],
): Promise<JournalFile> => {
  const temporary = `${folder}/${name}${TEMPORARY}`
  const file = await files.open(temporary, 'create')
  try {
    await writeAll(file, buffers, 0)
    await file.fdatasync()
    await files.rename(temporary, `${folder}/${name}`)
    await files.syncFolder(folder)
    return file
  } catch (error) {
    await file.close().catch(() => {}) // the first error is the one to tell
    throw error
  }
}

/** The end of the names of files that are not finished; recovery removes them. */
export const TEMPORARY = '.tmp'
