/** Objects: put, read, find, change, remove, list. */
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { systemCodeOf } from '../../platform/errors.ts'
import { ObjectStoreError } from '../object-store.ts'
import type { BucketStore } from './buckets.ts'
import type { CommitQueue } from './commit-queue.ts'
import { readContent, SMALL_CONTENT_BYTES_MAX } from './content/content-file.ts'
import type { ContentFolder } from './content/content-folder.ts'
import { type ChecksumAlgorithm, DEFAULT_CHECKSUM } from './content/digests.ts'
import { type CheckReceived, type Received, receive } from './content/incoming.ts'
import type { StoreDatabase } from './database.ts'
import { blobOf, type Row } from './database.ts'
import type { Garbage } from './garbage.ts'
import { type Entry, rollUp } from './roll-up.ts'
import {
  checkCondition,
  decodeObject,
  findObjectRow,
  findSimpleObject,
  type PartRow,
  readParts,
  writeObjectRow,
  writePart,
} from './rows.ts'
import type {
  ByteRange,
  ObjectDescription,
  PutCondition,
  StoredObject,
  StoredPart,
} from './stored-object.ts'

export interface StoreParts {
  readonly database: StoreDatabase
  readonly commits: CommitQueue
  readonly content: ContentFolder
  readonly garbage: Garbage
  readonly buckets: BucketStore
  readonly masterKey: MasterKey
  readonly clock: Clock
}

export interface StreamPutOptions extends ObjectDescription {
  /** Absent: what S3 computes by itself. */
  readonly checksum?: ChecksumAlgorithm
  /** Called when the body arrived whole, before anything of it can be seen; may throw. */
  readonly check?: CheckReceived
  readonly condition?: PutCondition
}

export interface KeyListing {
  readonly entries: ({ readonly object: StoredObject } | { readonly commonPrefix: string })[]
  /** More entries follow the last one. */
  readonly truncated: boolean
}

export interface KeyQuery {
  readonly prefix?: string
  readonly delimiter?: string
  /** Only keys and common prefixes greater than this. */
  readonly after?: string
  readonly limit: number
}

/** Every member throws ObjectStoreError `no-such-bucket`; those that need an object `no-such-key`. */
export interface ObjectRows {
  put(
    bucket: string,
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: StreamPutOptions,
  ): Promise<StoredObject>
  /**
   * Opens one revision: `choose` sees it and names the range to read (undefined: all), or throws.
   * A short body is here whole; a stream MUST be read to its end or destroyed.
   */
  read(
    bucket: string,
    key: string,
    choose: (object: StoredObject, parts: () => StoredPart[]) => ByteRange | undefined,
  ): Promise<{ object: StoredObject; body: Buffer | Readable }>
  find(bucket: string, key: string): StoredObject | undefined
  require(bucket: string, key: string): StoredObject
  /** Of a multipart object its parts, numbered from 1; otherwise one part or none. */
  parts(bucket: string, key: string): { object: StoredObject; parts: StoredPart[] }
  change(
    bucket: string,
    key: string,
    change: (object: StoredObject) => ObjectDescription,
  ): Promise<void>
  /** Removes those of the keys that are there. */
  remove(bucket: string, keys: readonly string[]): Promise<void>
  list(bucket: string, query: KeyQuery): KeyListing
}

interface Opened {
  readonly object: StoredObject
  readonly parts: PartRow[]
}

const openObject = ({ database, buckets }: StoreParts, bucket: string, key: string): Opened =>
  database.snapshot(() => {
    const row = findObjectRow(database, buckets.require(bucket).id, Buffer.from(key))
    if (row === undefined) throw noSuchKey()
    return {
      object: decodeObject(database, row),
      parts: readParts(database, Number(row.holder)),
    }
  })

/** Inside the transaction of a put: the new rows, and the old ones gone. */
const replaceObject = (
  { database, buckets, garbage, clock }: StoreParts,
  bucketId: number,
  key: Buffer,
  options: StreamPutOptions,
  file: string | null,
  received: Received,
): StoredObject => {
  buckets.requireId(bucketId)
  const row = findObjectRow(database, bucketId, key)
  checkCondition(row && decodeObject(database, row), options.condition)
  if (row !== undefined) garbage.dropHolder(Number(row.holder))
  const { headers, metadata, tags, storageClass } = options
  const etag = `"${received.md5.toString('hex')}"`
  const checksum = { ...received.checksum, type: 'FULL_OBJECT' as const }
  const details = { headers, metadata, tags, storageClass, etag, checksum }
  const { size } = received
  const holder = database.nextHolder()
  const modified = clock.now()
  writePart(database, holder, { number: 1, file, size, lastModified: modified, etag, checksum })
  writeObjectRow(database, bucketId, { key, holder, size, modified, details })
  return { ...details, key: key.toString('utf8'), size, lastModified: modified }
}

const putObject = async (
  store: StoreParts,
  bucket: string,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: StreamPutOptions,
): Promise<StoredObject> => {
  const { id } = store.buckets.require(bucket)
  const algorithm = options.checksum ?? DEFAULT_CHECKSUM
  const object = await receive(
    store.content,
    body,
    algorithm,
    options.check,
    (file, received, applied) =>
      store.commits.commit(() => {
        const made = replaceObject(store, id, Buffer.from(key), options, file, received)
        applied()
        return made
      }),
    (file) => store.garbage.suspect(file),
  )
  store.garbage.collect()
  return object
}

const readObject = async (
  store: StoreParts,
  bucket: string,
  key: string,
  choose: Parameters<ObjectRows['read']>[2],
): Promise<{ object: StoredObject; body: Buffer | Readable }> => {
  for (let attempt = 1; ; attempt++) {
    const { object, parts } =
      findSimpleObject(store.database, bucket, key) ?? openObject(store, bucket, key)
    const range = choose(object, () => parts)
    try {
      const body = shortBody(store, parts, range) ?? (await openBody(store, object, parts, range))
      return { object, body }
    } catch (error) {
      // The object was replaced between reading its row and opening its file: read it anew.
      if (systemCodeOf(error) !== 'ENOENT' || attempt === READ_ATTEMPTS) throw error
    }
  }
}

const changeObject = (
  { database, buckets, commits }: StoreParts,
  bucket: string,
  key: string,
  change: (object: StoredObject) => ObjectDescription,
): Promise<void> =>
  commits.commit(() => {
    const { id } = buckets.require(bucket)
    const row = findObjectRow(database, id, Buffer.from(key))
    if (row === undefined) throw noSuchKey()
    const object = decodeObject(database, row)
    const { key: _key, size, lastModified, ...details } = object
    writeObjectRow(database, id, {
      key: Buffer.from(key),
      holder: Number(row.holder),
      size,
      modified: lastModified,
      details: { ...details, ...change(object) },
    })
  })

const removeObjects = async (
  { database, buckets, commits, garbage }: StoreParts,
  bucket: string,
  keys: readonly string[],
): Promise<void> => {
  await commits.commit(() => {
    const { id } = buckets.require(bucket)
    for (const key of keys) {
      const row = database.get(
        'DELETE FROM object WHERE bucket = ? AND key = ? RETURNING holder',
        id,
        Buffer.from(key),
      )
      if (row !== undefined) garbage.dropHolder(Number(row.holder))
    }
  })
  garbage.collect()
}

export const createObjectRows = (store: StoreParts): ObjectRows => {
  const { database, buckets } = store
  const find = (bucket: string, key: string): StoredObject | undefined => {
    const row = findObjectRow(database, buckets.require(bucket).id, Buffer.from(key))
    return row && decodeObject(database, row)
  }
  return {
    put: (bucket, key, body, options) => putObject(store, bucket, key, body, options),
    read: (bucket, key, choose) => readObject(store, bucket, key, choose),
    find,
    require: (bucket, key) => {
      const object = find(bucket, key)
      if (object === undefined) throw noSuchKey()
      return object
    },
    parts: (bucket, key) => openObject(store, bucket, key),
    change: (bucket, key, change) => changeObject(store, bucket, key, change),
    remove: (bucket, keys) => removeObjects(store, bucket, keys),
    list: (bucket, query) => listKeys(store, buckets.require(bucket).id, query),
  }
}

const READ_ATTEMPTS = 5

const noSuchKey = (): ObjectStoreError =>
  new ObjectStoreError('no-such-key', 'The specified key does not exist.')

/** Of an object of one small part what is asked of it; the file is read at once. */
const shortBody = (
  { content }: StoreParts,
  parts: readonly PartRow[],
  range: ByteRange | undefined,
): Buffer | undefined => {
  const [part, second] = parts
  if (part === undefined || second !== undefined) return undefined
  const { file, size } = part
  if (file === null || size > SMALL_CONTENT_BYTES_MAX) return undefined
  if (range === undefined) return content.readSmall(file, size)
  // Nothing is asked for: the file is not looked for either.
  if (range.first > range.last) return EMPTY
  return content.readSmall(file, size).subarray(range.first, range.last + 1)
}

const EMPTY = Buffer.alloc(0)

/** A body as a stream, also where it is here whole. */
export const streamOf = (body: Buffer | Readable): Readable =>
  Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body

/** Opens the first file and reads its first bytes, so that damage shows before the answer begins. */
const openBody = async (
  store: StoreParts,
  object: StoredObject,
  parts: readonly PartRow[],
  range: ByteRange = { first: 0, last: object.size - 1 },
): Promise<Readable> => {
  const pieces = partBytes(store, parts, range)
  const first = await pieces.next()
  if (first.done === true) return Readable.from([], { objectMode: false })
  const whole = async function* () {
    yield first.value
    yield* pieces
  }
  const body = Readable.from(whole(), { objectMode: false })
  // A body that is destroyed before its first read would otherwise leave the file open.
  body.once('close', () => {
    pieces.return(undefined).catch(() => {
      // Closing a file that was only read can lose nothing, and the reader is gone.
    })
  })
  return body
}

async function* partBytes(
  { content, masterKey }: StoreParts,
  parts: readonly PartRow[],
  range: ByteRange,
): AsyncGenerator<Buffer, undefined> {
  let offset = 0
  for (const { file, size } of parts) {
    const first = Math.max(0, range.first - offset)
    const last = Math.min(size - 1, range.last - offset)
    offset += size
    if (file === null || first > last) continue
    if (size <= SMALL_CONTENT_BYTES_MAX) {
      yield content.readSmall(file, size).subarray(first, last + 1)
      continue
    }
    const handle: FileHandle = await content.openFile(file)
    try {
      yield* readContent(handle, file, masterKey, size, { first, last })
    } finally {
      await handle.close()
    }
  }
  return undefined
}

const listKeys = ({ database }: StoreParts, bucket: number, query: KeyQuery): KeyListing => {
  if (query.limit <= 0) return { entries: [], truncated: false }
  const prefix = Buffer.from(query.prefix ?? '')
  const after = Buffer.from(query.after ?? '')
  interface Found {
    readonly key: Buffer
    readonly row: Row
  }
  const { entries, truncated } = rollUp<Found>({
    prefix,
    delimiter: Buffer.from(query.delimiter ?? ''),
    start:
      after.compare(prefix) >= 0 && after.length > 0
        ? { behind: { key: after, row: {} } }
        : { from: prefix },
    prefixesAfter: after,
    limit: query.limit,
    scan: (position, limit) => {
      const [comparison, bound] =
        'from' in position ? ['>=', position.from] : ['>', position.behind.key]
      return database
        .all(
          `SELECT * FROM object WHERE bucket = ? AND key ${comparison} ? ORDER BY key LIMIT ?`,
          bucket,
          bound,
          limit,
        )
        .map((row) => ({ key: blobOf(row.key), row }))
    },
  })
  const decode = (entry: Entry<Found>) =>
    'row' in entry
      ? { object: decodeObject(database, entry.row.row) }
      : { commonPrefix: entry.commonPrefix.toString('utf8') }
  return { entries: entries.map(decode), truncated }
}
