import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCodeOf } from './errors.ts'

/** Makes a new or renamed entry of `folder` survive a power loss. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const FOLDER_MODE = 0o700

const makeOne = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { mode: FOLDER_MODE })
  } catch (error) {
    const exists = systemCodeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()
    if (!exists) throw error
    return
  }
  await syncFolder(dirname(folder))
}

/**
 * Creates `folder` and its parents, durably, readable by the owner only. Each level is one call:
 * Node's recursive mkdir never ends where the system answers ENOENT below a folder that exists, as
 * /proc does.
 */
export const makeFolder = async (folder: string): Promise<void> => {
  try {
    await makeOne(folder)
  } catch (error) {
    const parent = dirname(folder)
    if (systemCodeOf(error) !== 'ENOENT' || parent === folder) throw error
    await makeFolder(parent)
    await makeOne(folder)
  }
}

/**
 * Writes a file so that after a crash either the old or the whole new content is there:
 * temporary file, fsync, rename, fsync of the folder.
 */
export const writeFileDurably = async (
  path: string,
  content: Uint8Array | string,
  mode = 0o600,
): Promise<void> => {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`)
  const handle = await open(temporary, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await unlink(temporary).catch(() => {})
    throw error
  }
  await handle.close()
  await rename(temporary, path)
  await syncFolder(folder)
}
