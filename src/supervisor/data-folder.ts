/**
 * The data folder: its format version, the lock of the one server that may use it, the master key,
 * the admin token. These files are mode 0600; the key and the token are the only plain secrets
 * beside profile.env (DESIGN.md §4, "Deny by default").
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Config } from '../config.ts'
import { makeFolder, writeFileDurably } from '../platform/durable-files.ts'
import { type MasterKey, masterKeyOf } from '../platform/encryption.ts'
import { CodedError, messageOf } from '../platform/errors.ts'

/** Raised when any format in the folder changes in a way that older code cannot read. */
export const FORMAT_VERSION = 1
const MASTER_KEY_COMMAND_MS_MAX = 10_000

export class DataFolderError extends CodedError<
  'in-use' | 'newer-format' | 'no-master-key' | 'bad-master-key' | 'absent' | 'unusable'
> {}

/** Paths inside the data folder, in one place. */
export const pathsOf = (data: string) => ({
  format: join(data, 'format.json'),
  lock: join(data, 'server.lock'),
  masterKey: join(data, 'master.key'),
  adminToken: join(data, 'admin.token'),
  profile: join(data, 'profile.env'),
  server: join(data, 'server.json'),
  documents: join(data, 'documents.sqlite'),
  journal: join(data, 'journal'),
  spool: join(data, 'spool'),
  history: join(data, 'history'),
  objects: join(data, 'objects'),
  delivery: join(data, 'delivery'),
})

const parseKey = (text: string, from: string): MasterKey => {
  const hex = text.trim()
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
    throw new DataFolderError('bad-master-key', `${from} holds no key of 64 hex digits.`, {
      hint: 'Restore the file from your backup; a new key cannot read what the old one sealed.',
    })
  }
  return masterKeyOf(Buffer.from(hex, 'hex'))
}

/** The master key of an existing folder. */
export const readMasterKey = (config: Pick<Config, 'data' | 'masterKeyCommand'>): MasterKey => {
  if (config.masterKeyCommand !== undefined) {
    const output = execFileSync('/bin/sh', ['-c', config.masterKeyCommand], {
      encoding: 'utf8',
      timeout: MASTER_KEY_COMMAND_MS_MAX,
    })
    return parseKey(output, 'The output of masterKeyCommand')
  }
  const file = pathsOf(config.data).masterKey
  try {
    return parseKey(readFileSync(file, 'utf8'), file)
  } catch (cause) {
    if (cause instanceof DataFolderError) throw cause
    throw new DataFolderError('no-master-key', `${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'Is --data the folder of a server? It is made by the first `clew serve`.',
    })
  }
}

export const readAdminToken = (data: string): string =>
  readFileSync(pathsOf(data).adminToken, 'utf8').trim()

const checkFormat = async (file: string): Promise<void> => {
  if (!existsSync(file)) {
    await writeFileDurably(file, `${JSON.stringify({ clew: FORMAT_VERSION })}\n`)
    return
  }
  const version: unknown = JSON.parse(readFileSync(file, 'utf8')).clew
  if (typeof version === 'number' && version <= FORMAT_VERSION) return
  throw new DataFolderError('newer-format', `${file} says format ${String(version)}.`, {
    hint: `This release reads up to format ${FORMAT_VERSION}: use the release that wrote the folder.`,
  })
}

/** The operating system drops a database lock with its process, so kill -9 leaves none behind. */
const takeLock = (file: string): Disposable => {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new DataFolderError('in-use', `Another server uses this data folder (${file}).`, {
      cause,
      hint: 'Stop it, or give this one its own --data folder.',
    })
  }
  return { [Symbol.dispose]: () => database.close() }
}

const writeIfAbsent = async (file: string, content: () => string): Promise<void> => {
  if (!existsSync(file)) await writeFileDurably(file, content())
}

const lockedFolder = async (data: string): Promise<Disposable> => {
  try {
    await makeFolder(data)
    return takeLock(pathsOf(data).lock)
  } catch (cause) {
    if (cause instanceof DataFolderError) throw cause
    throw new DataFolderError(
      'unusable',
      `${data} cannot be the data folder: ${messageOf(cause)}`,
      {
        cause,
        hint: 'Name a folder that this user can write with --data.',
      },
    )
  }
}

/**
 * Opens (at the first start: makes) the folder for a server. Throws DataFolderError when another
 * server holds it or it cannot be written. The lock ends with the returned value, or with the process.
 */
export const openDataFolder = async (config: Config): Promise<Disposable> => {
  const paths = pathsOf(config.data)
  const lock = await lockedFolder(config.data)
  try {
    // The key comes before the format file: a crash between them must not leave a folder that
    // looks old and has no key.
    if (config.masterKeyCommand === undefined && !existsSync(paths.format)) {
      await writeIfAbsent(paths.masterKey, () => `${randomBytes(32).toString('hex')}\n`)
    }
    await checkFormat(paths.format)
    readMasterKey(config)
    await writeIfAbsent(paths.adminToken, () => `${randomBytes(32).toString('base64url')}\n`)
    return lock
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}
