import type { ObjectFacts, ObjectStore } from '../../../outlets/object-store.ts'
import { ImportError } from '../import-error.ts'
import type { Listing } from './local-files.ts'
import { type ImportSource, isDigestFile } from './source.ts'

const PAGE = 1_000
const URL_FORM = /^s3:\/\/([^/]+)(?:\/(.*))?$/s

export const isObjectUrl = (given: string): boolean => given.startsWith('s3://')

export interface ObjectPlace {
  readonly bucket: string
  readonly prefix: string
}

/** `s3://bucket/prefix`. Throws ImportError `not-found` for what is none. */
export const placeOf = (url: string): ObjectPlace => {
  const [, bucket, prefix = ''] = URL_FORM.exec(url) ?? []
  if (bucket !== undefined) return { bucket, prefix }
  throw new ImportError('not-found', `${url} is no s3://BUCKET/PREFIX.`)
}

const sourceOf = (objects: ObjectStore, bucket: string, facts: ObjectFacts): ImportSource => ({
  name: `s3://${bucket}/${facts.key}`,
  size: facts.size,
  version: `${facts.size}.${facts.etag}.${facts.lastModified}`,
  open: async function* () {
    const { body } = await objects.get(bucket, facts.key)
    for await (const chunk of body) yield chunk as Buffer
  },
})

/** Every object whose key begins with the prefix. */
export const listObjects = async (objects: ObjectStore, url: string): Promise<Listing> => {
  const { bucket, prefix } = placeOf(url)
  if ((await objects.bucket(bucket)) === undefined) {
    throw new ImportError('not-found', `There is no bucket ${bucket} in the built-in store.`, {
      hint: 'Copy log files of another store into a folder first, for example with `aws s3 sync`.',
    })
  }
  const sources: ImportSource[] = []
  let digests = 0
  let after: string | undefined
  do {
    const from = after === undefined ? {} : { after }
    const page = await objects.list(bucket, { prefix, limit: PAGE, ...from })
    for (const facts of page) {
      if (isDigestFile(facts.key)) digests++
      else sources.push(sourceOf(objects, bucket, facts))
    }
    after = page.at(-1)?.key
  } while (after !== undefined)
  return { sources, digests }
}
