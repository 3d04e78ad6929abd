/**
 * The content files of the store: `content/<2 hex digits>/<opener>-<random>`. Names are random and
 * never made from keys. A file is written under a temporary name, synced, renamed, and its folder
 * synced, before any row of the database names it.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../../platform/durable-files.ts'
import type { MasterKey } from '../../../platform/encryption.ts'
import { systemCodeOf } from '../../../platform/errors.ts'
import { ContentWriter, readSmallContent } from './content-file.ts'

const TEMPORARY_ENDING = '.tmp'
const ID_RANDOM_BYTES = 12
/** Folders 00 to ff, so that no folder grows too large. */
const FOLDERS = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'))

export interface ContentFolder {
  /**
   * Stores all of `body` durably and returns the new file's id, or null for an empty body, which
   * needs none. When `body` throws nothing stays behind.
   */
  store(body: AsyncIterable<Uint8Array>): Promise<string | null>
  openFile(fileId: string): Promise<FileHandle>
  /** All of a content of `size` bytes, at most SMALL_CONTENT_BYTES_MAX. Blocks for microseconds. */
  readSmall(fileId: string, size: number): Buffer
  /** Removing what is gone already is no error. */
  remove(fileId: string): Promise<void>
  /** The ids of files, half-written ones too, that the openers left; `temporary` ones are dropped. */
  leftBy(openers: ReadonlySet<string>): AsyncGenerator<string>
}

const folderOf = (root: string, fileId: string): string => {
  const random = fileId.slice(fileId.indexOf('-') + 1)
  return join(root, random.slice(0, 2))
}

const removeFile = async (path: string): Promise<void> => {
  try {
    await unlink(path)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

const writeAll = async (
  path: string,
  fileId: string,
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  masterKey: MasterKey,
): Promise<void> => {
  const handle = await open(path, 'wx', 0o600)
  try {
    const writer = new ContentWriter(handle, fileId, masterKey)
    await writer.write(first)
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      await writer.write(next.value)
    }
    await writer.finish()
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const makeFolders = async (root: string): Promise<void> => {
  const present = new Set(await readdir(root))
  for (const name of FOLDERS) {
    if (!present.has(name)) await mkdir(join(root, name), { recursive: true, mode: 0o700 })
  }
  await syncFolder(root)
}

/** Creates the folders at the first opening; `openerId` marks the files of this opener. */
export const openContentFolder = async (
  root: string,
  openerId: string,
  masterKey: MasterKey,
): Promise<ContentFolder> => {
  await makeFolders(root)

  const storeFrom = async (first: Uint8Array, rest: AsyncIterator<Uint8Array>): Promise<string> => {
    const fileId = `${openerId}-${randomBytes(ID_RANDOM_BYTES).toString('hex')}`
    const folder = folderOf(root, fileId)
    const path = join(folder, fileId)
    const temporary = `${path}${TEMPORARY_ENDING}`
    try {
      await writeAll(temporary, fileId, first, rest, masterKey)
      await rename(temporary, path)
      await syncFolder(folder)
      return fileId
    } catch (error) {
      await removeFile(temporary)
      await removeFile(path)
      throw error
    }
  }

  return {
    store: async (body) => {
      const iterator = body[Symbol.asyncIterator]()
      try {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
          if (next.value.length > 0) return await storeFrom(next.value, iterator)
        }
        return null
      } catch (error) {
        await iterator.return?.()
        throw error
      }
    },
    readSmall: (fileId, size) =>
      readSmallContent(join(folderOf(root, fileId), fileId), fileId, masterKey, size),
    openFile: (fileId) => open(join(folderOf(root, fileId), fileId), 'r'),
    remove: (fileId) => removeFile(join(folderOf(root, fileId), fileId)),
    leftBy: async function* (openers) {
      for (const name of FOLDERS) {
        for (const file of await readdir(join(root, name))) {
          if (!openers.has(file.slice(0, file.indexOf('-')))) continue
          if (file.endsWith(TEMPORARY_ENDING)) await removeFile(join(root, name, file))
          else yield file
        }
      }
    },
  }
}
