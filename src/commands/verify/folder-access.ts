/**
 * A bucket as a folder tree, for example made by `aws s3 sync`. Such a folder lacks the objects'
 * user metadata; a file `<key>.metadata.json` beside an object may hold it (the JSON that
 * `aws s3api head-object --query Metadata` prints). Without one a digest's signature is taken from
 * the digest that follows it.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { ContentHash, FetchedObject, ListedKey } from '../../integrity/verification.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import { hashOfMember } from './content/gzip-member.ts'
import { createHashPool } from './content/hash-pool.ts'
import { VerifyError } from './verify-error.ts'

const METADATA_SUFFIX = '.metadata.json'
/** Prefixes have at most 200 characters, so no bucket of a trail is deeper. */
const DEPTH_MAX = 128
/** In a smaller bucket the threads would take longer to start than to work. */
const KEYS_FOR_THREADS = 500

export interface FolderBucket {
  /** All keys, in byte order. */
  readonly keys: readonly string[]
  list(prefix: string, after: string): AsyncIterable<ListedKey>
  fetch(key: string): Promise<FetchedObject | undefined>
  hash(key: string): Promise<ContentHash | undefined>
  close(): void
}

const walk = async (folder: string, prefix: string, depth: number): Promise<string[]> => {
  if (depth > DEPTH_MAX) return []
  const entries = await readdir(join(folder, prefix), { withFileTypes: true })
  const nested = entries.map(async (entry) => {
    const key = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    if (entry.isDirectory()) return await walk(folder, key, depth + 1)
    return entry.isFile() && !entry.name.endsWith(METADATA_SUFFIX) ? [key] : []
  })
  return (await Promise.all(nested)).flat()
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Keys come out of files that may have been forged: they must not leave the folder. */
const isSafe = (key: string): boolean =>
  key !== '' &&
  !key.includes('\0') &&
  !key.includes('\\') &&
  key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

const readIfThere = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path)
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw error
  }
}

const metadataOf = async (path: string): Promise<Record<string, string>> => {
  const bytes = await readIfThere(`${path}${METADATA_SUFFIX}`)
  if (bytes === undefined) return {}
  const value: unknown = JSON.parse(bytes.toString())
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name.toLowerCase(), String(text)]),
  )
}

/** Rejects with VerifyError `no-folder`. */
export const openFolderBucket = async (folder: string): Promise<FolderBucket> => {
  const facts = await stat(folder).catch(() => undefined)
  if (facts?.isDirectory() !== true) {
    throw new VerifyError('no-folder', `There is no folder ${folder}.`, {
      hint: 'Name the folder that the bucket was downloaded to.',
    })
  }
  const keys = (await walk(folder, '', 0)).sort(byBytes)
  const pool = keys.length < KEYS_FOR_THREADS ? undefined : createHashPool()
  const pathOf = (key: string): string => join(folder, ...key.split('/')).replaceAll('/', sep)
  return {
    keys,
    list: async function* (prefix, after) {
      for (const key of keys) {
        if (key.startsWith(prefix) && byBytes(key, after) > 0) yield { key }
      }
    },
    fetch: async (key) => {
      if (!isSafe(key)) return undefined
      const path = pathOf(key)
      const body = await readIfThere(path)
      return body === undefined ? undefined : { body, metadata: await metadataOf(path) }
    },
    hash: async (key) => {
      if (!isSafe(key)) return undefined
      if (pool !== undefined) return await pool.hash(pathOf(key))
      const body = await readIfThere(pathOf(key))
      return body && hashOfMember(body)
    },
    close: () => pool?.close(),
  }
}
