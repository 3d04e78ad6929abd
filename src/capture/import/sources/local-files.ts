import { createReadStream } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '../../../platform/errors.ts'
import { ImportError } from '../import-error.ts'
import { type ImportSource, isDigestFile } from './source.ts'

const READ_BYTES = 256 * 1024

const sourceOf = (path: string, size: number, version: string): ImportSource => ({
  name: path,
  size,
  version,
  open: () => createReadStream(path, { highWaterMark: READ_BYTES }),
})

const fileAt = async (path: string): Promise<ImportSource> => {
  const facts = await stat(path, { bigint: true })
  return sourceOf(path, Number(facts.size), `${facts.size}.${facts.mtimeNs}`)
}

/** Regular files below a folder; links are not followed there, so that no file comes twice. */
async function* below(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* below(path)
    else if (entry.isFile()) yield path
  }
}

export interface Listing {
  readonly sources: readonly ImportSource[]
  /** Digest files, which are left alone. */
  readonly digests: number
}

/** A file, or all files below a folder. Throws ImportError `not-found`. */
export const listLocal = async (given: string): Promise<Listing> => {
  const path = resolve(given)
  try {
    if (!(await stat(path)).isDirectory()) return { sources: [await fileAt(path)], digests: 0 }
    const sources: ImportSource[] = []
    let digests = 0
    for await (const file of below(path)) {
      if (isDigestFile(file.slice(path.length))) digests++
      else sources.push(await fileAt(file))
    }
    return { sources, digests }
  } catch (cause) {
    throw new ImportError('not-found', `${given} cannot be read: ${messageOf(cause)}`, { cause })
  }
}
