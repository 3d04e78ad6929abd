import { createReadStream, existsSync, type Stats } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf, systemCodeOf } from '../../../platform/errors.ts'
import { ImportError } from '../import-error.ts'
import { type ImportSource, isDigestFile } from './source.ts'

const READ_BYTES = 256 * 1024

const sourceOf = (path: string, size: number, version: string): ImportSource => ({
  name: path,
  size,
  version,
  open: () => createReadStream(path, { highWaterMark: READ_BYTES }),
})

/** Stands in the listing for what cannot be looked at: whoever reads it gets `cause`. */
const unreadable = (path: string, cause: unknown): ImportSource => ({
  ...{ name: path, size: 0, version: 'unreadable' },
  open: () => {
    throw cause
  },
})

const fileAt = async (path: string): Promise<ImportSource> => {
  try {
    const facts = await stat(path, { bigint: true })
    return sourceOf(path, Number(facts.size), `${facts.size}.${facts.mtimeNs}`)
  } catch (cause) {
    return unreadable(path, cause)
  }
}

/** Regular files below a folder; links are not followed there, so that no file comes twice. */
async function* below(folder: string): AsyncGenerator<ImportSource> {
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) yield* below(path)
      else if (entry.isFile()) yield fileAt(path)
    }
  } catch (cause) {
    yield unreadable(folder, cause)
  }
}

const kindOf = (facts: Stats): string => {
  if (facts.isFIFO()) return 'a pipe'
  if (facts.isSocket()) return 'a socket'
  return 'a device'
}

/** Pipes and devices: a file is read twice, and it must end. */
const checkRegular = (given: string, facts: Stats): void => {
  if (facts.isFile() || facts.isDirectory()) return
  throw new ImportError('unreadable', `${given} is no regular file but ${kindOf(facts)}.`, {
    hint: 'Write what it gives into a file, and import that one.',
  })
}

export interface Listing {
  readonly sources: readonly ImportSource[]
  /** Digest files, which are left alone. */
  readonly digests: number
}

/**
 * A file, or all files below a folder; what below it cannot be read is listed too, and fails when it
 * is read. Throws ImportError `not-found`, and `unreadable` for what is no regular file.
 */
export const listLocal = async (given: string): Promise<Listing> => {
  const path = resolve(given)
  try {
    const facts = await stat(path)
    checkRegular(given, facts)
    if (!facts.isDirectory()) return { sources: [await fileAt(path)], digests: 0 }
    const sources: ImportSource[] = []
    let digests = 0
    for await (const file of below(path)) {
      if (isDigestFile(file.name.slice(path.length))) digests++
      else sources.push(file)
    }
    return { sources, digests }
  } catch (cause) {
    if (cause instanceof ImportError) throw cause
    if (systemCodeOf(cause) === 'ENOENT' && !existsSync(path)) {
      throw new ImportError('not-found', `There is no file or folder ${given}.`, { cause })
    }
    throw new ImportError('not-found', `${given} cannot be read: ${messageOf(cause)}`, { cause })
  }
}
