/** Multipart uploads: parts are content files of their own; completing only rewrites rows. */
import { randomBytes } from 'node:crypto'
import { type ChecksumAlgorithm, DEFAULT_CHECKSUM } from './content/digests.ts'
import { type CheckReceived, type Received, receive } from './content/incoming.ts'
import { blobOf, type Row, type StoreDatabase } from './database.ts'
import type { StoreParts } from './objects.ts'
import { type Entry, rollUp } from './roll-up.ts'
import {
  checkCondition,
  decodeObject,
  findObjectRow,
  readParts,
  writeObjectRow,
  writePart,
} from './rows.ts'
import {
  FileStoreError,
  type ObjectDescription,
  type PutCondition,
  type StoredChecksum,
  type StoredObject,
  type StoredPart,
} from './stored-object.ts'

export interface UploadDetails extends ObjectDescription {
  /** What the creator asked for; absent: S3's default. */
  readonly checksum?: Pick<StoredChecksum, 'algorithm' | 'type'>
  /** The account that began it. */
  readonly initiator: string
}

export interface Upload extends UploadDetails {
  readonly id: string
  readonly key: string
  readonly initiated: number
}

/** What completing decides from the parts that were uploaded; may throw. */
export interface Completion {
  /** The numbers of the chosen parts, ascending. */
  readonly numbers: readonly number[]
  readonly etag: string
  readonly checksum?: StoredChecksum
}

export interface UploadListing {
  readonly entries: ({ readonly upload: Upload } | { readonly commonPrefix: string })[]
  readonly truncated: boolean
}

/** Every member throws `no-such-bucket`, and FileStoreError `no-such-upload` where it needs one. */
export interface UploadStore {
  create(bucket: string, key: string, details: UploadDetails): Promise<Upload>
  find(bucket: string, key: string, uploadId: string): Upload
  putPart(
    bucket: string,
    upload: Upload,
    number: number,
    body: AsyncIterable<Uint8Array>,
    options: { checksum?: ChecksumAlgorithm; check?: CheckReceived },
  ): Promise<StoredPart>
  /** In order of their numbers, those greater than `after`. */
  parts(bucket: string, upload: Upload, after: number, limit: number): StoredPart[]
  /** Repeated after it succeeded, it returns the object again. */
  complete(
    bucket: string,
    key: string,
    uploadId: string,
    decide: (upload: Upload, parts: StoredPart[]) => Completion,
    condition?: PutCondition,
  ): Promise<StoredObject>
  abort(bucket: string, key: string, uploadId: string): Promise<void>
  /** In order of key, then of initiation; behind the upload `afterId` of the key `after`. */
  list(
    bucket: string,
    query: { prefix?: string; delimiter?: string; after?: string; afterId?: string; limit: number },
  ): UploadListing
}

/** Sorts by time of creation; the rest cannot be guessed. */
const newUploadId = (now: number): string =>
  `${now.toString(36).padStart(9, '0')}${randomBytes(24).toString('hex')}`

const place = (bucket: number, id: string): string => `upload ${bucket} ${id}`

const decodeUpload = (database: StoreDatabase, bucket: number, row: Row): Upload => ({
  ...database.open<UploadDetails>(row.sealed, place(bucket, String(row.id))),
  id: String(row.id),
  key: blobOf(row.key).toString('utf8'),
  initiated: Number(row.initiated),
})

const findRow = (database: StoreDatabase, bucket: number, key: string, id: string) =>
  database.get(
    'SELECT * FROM upload WHERE bucket = ? AND key = ? AND id = ?',
    bucket,
    Buffer.from(key),
    id,
  )

const requireRow = (database: StoreDatabase, bucket: number, key: string, id: string): Row => {
  const row = findRow(database, bucket, key, id)
  if (row === undefined) throw noSuchUpload()
  return row
}

const removeRow = (database: StoreDatabase, bucket: number, key: Buffer, id: string): void =>
  database.run('DELETE FROM upload WHERE bucket = ? AND key = ? AND id = ?', bucket, key, id)

const holderOf = ({ database, buckets }: StoreParts, bucket: string, { key, id }: Upload) =>
  Number(requireRow(database, buckets.require(bucket).id, key, id).holder)

const createUpload = (
  { database, buckets, commits, clock }: StoreParts,
  bucket: string,
  key: string,
  details: UploadDetails,
): Promise<Upload> =>
  commits.commit(() => {
    const bucketId = buckets.require(bucket).id
    const initiated = clock.now()
    const id = newUploadId(initiated)
    database.run(
      'INSERT INTO upload (bucket, key, id, holder, initiated, sealed) VALUES (?, ?, ?, ?, ?, ?)',
      bucketId,
      Buffer.from(key),
      id,
      database.nextHolder(),
      initiated,
      database.seal(details, place(bucketId, id)),
    )
    return { ...details, id, key, initiated }
  })

/** Inside the transaction of a part that arrived: its row, and the file it replaces is garbage. */
const replacePart = (
  { database, garbage, clock }: StoreParts,
  holder: number,
  number: number,
  file: string | null,
  received: Received,
): StoredPart => {
  const replaced = database.get(
    'SELECT file FROM part WHERE holder = ? AND number = ?',
    holder,
    number,
  )?.file
  if (typeof replaced === 'string') garbage.note([replaced], 0)
  const part = {
    number,
    size: received.size,
    lastModified: clock.now(),
    etag: `"${received.md5.toString('hex')}"`,
    checksum: { ...received.checksum, type: 'FULL_OBJECT' as const },
  }
  writePart(database, holder, { ...part, file })
  return part
}

const putPart = async (
  store: StoreParts,
  bucket: string,
  upload: Upload,
  number: number,
  body: AsyncIterable<Uint8Array>,
  options: { checksum?: ChecksumAlgorithm; check?: CheckReceived },
): Promise<StoredPart> => {
  holderOf(store, bucket, upload)
  const algorithm = options.checksum ?? upload.checksum?.algorithm ?? DEFAULT_CHECKSUM
  const part = await receive(
    store.content,
    body,
    algorithm,
    options.check,
    (file, received, applied) =>
      store.commits.commit(() => {
        const holder = holderOf(store, bucket, upload)
        const made = replacePart(store, holder, number, file, received)
        applied()
        return made
      }),
    (file) => store.garbage.suspect(file),
  )
  store.garbage.collect()
  return part
}

/** Inside the transaction of a completion: the object takes over the upload's holder. */
const finishUpload = (
  store: StoreParts,
  bucket: number,
  row: Row,
  completion: Completion,
  condition: PutCondition | undefined,
): StoredObject => {
  const { database, garbage, clock } = store
  const upload = decodeUpload(database, bucket, row)
  const key = blobOf(row.key)
  const existing = findObjectRow(database, bucket, key)
  checkCondition(existing && decodeObject(database, existing), condition)
  if (existing !== undefined) garbage.dropHolder(Number(existing.holder))
  const holder = Number(row.holder)
  const size = keepParts(store, holder, completion.numbers)
  const { headers, metadata, tags, storageClass } = upload
  const { etag, checksum } = completion
  const details = {
    ...{ headers, metadata, tags, storageClass, etag, uploadId: upload.id },
    ...(checksum !== undefined && { checksum }),
  }
  const modified = clock.now()
  writeObjectRow(database, bucket, { key, holder, size, modified, details })
  removeRow(database, bucket, key, upload.id)
  return { ...details, key: upload.key, size, lastModified: modified }
}

const completeUpload = async (
  store: StoreParts,
  bucket: string,
  key: string,
  uploadId: string,
  decide: (upload: Upload, parts: StoredPart[]) => Completion,
  condition: PutCondition | undefined,
): Promise<StoredObject> => {
  const { database, buckets, commits, garbage } = store
  const object = await commits.commit(() => {
    const { id } = buckets.require(bucket)
    const row = findRow(database, id, key, uploadId)
    if (row !== undefined) {
      const parts = readParts(database, Number(row.holder))
      const completion = decide(decodeUpload(database, id, row), parts)
      return finishUpload(store, id, row, completion, condition)
    }
    const found = findObjectRow(database, id, Buffer.from(key))
    const made = found && decodeObject(database, found)
    if (made?.uploadId !== uploadId) throw noSuchUpload()
    return made
  })
  garbage.collect()
  return object
}

const abortUpload = async (
  { database, buckets, commits, garbage }: StoreParts,
  bucket: string,
  key: string,
  uploadId: string,
): Promise<void> => {
  await commits.commit(() => {
    const { id } = buckets.require(bucket)
    const row = requireRow(database, id, key, uploadId)
    garbage.dropHolder(Number(row.holder))
    removeRow(database, id, Buffer.from(key), uploadId)
  })
  garbage.collect()
}

export const createUploadStore = (store: StoreParts): UploadStore => {
  const { database, buckets } = store
  return {
    create: (bucket, key, details) => createUpload(store, bucket, key, details),
    find: (bucket, key, uploadId) => {
      const { id } = buckets.require(bucket)
      return decodeUpload(database, id, requireRow(database, id, key, uploadId))
    },
    putPart: (bucket, upload, number, body, options) =>
      putPart(store, bucket, upload, number, body, options),
    parts: (bucket, upload, after, limit) =>
      readParts(database, holderOf(store, bucket, upload), after, limit),
    complete: (bucket, key, uploadId, decide, condition) =>
      completeUpload(store, bucket, key, uploadId, decide, condition),
    abort: (bucket, key, uploadId) => abortUpload(store, bucket, key, uploadId),
    list: (bucket, query) => listUploads(store, buckets.require(bucket).id, query),
  }
}

const noSuchUpload = (): FileStoreError =>
  new FileStoreError('no-such-upload', 'The specified upload does not exist.')

/** Drops the parts that were not chosen, numbers the others from 1 and returns their bytes. */
const keepParts = (
  { database, garbage }: StoreParts,
  holder: number,
  numbers: readonly number[],
): number => {
  const chosen = new Map(numbers.map((number, index) => [number, index + 1]))
  let size = 0
  for (const part of readParts(database, holder)) {
    const renumbered = chosen.get(part.number)
    if (renumbered === undefined) {
      database.run('DELETE FROM part WHERE holder = ? AND number = ?', holder, part.number)
      if (part.file !== null) garbage.note([part.file], 0)
      continue
    }
    size += part.size
    if (renumbered !== part.number) {
      database.run(
        'UPDATE part SET number = ? WHERE holder = ? AND number = ?',
        renumbered,
        holder,
        part.number,
      )
    }
  }
  return size
}

const listUploads = (
  { database }: StoreParts,
  bucket: number,
  query: Parameters<UploadStore['list']>[1],
): UploadListing => {
  if (query.limit <= 0) return { entries: [], truncated: false }
  interface Found {
    readonly key: Buffer
    readonly id: string
    readonly row: Row
  }
  const prefix = Buffer.from(query.prefix ?? '')
  const after = Buffer.from(query.after ?? '')
  // Without an id every upload of the marker's key lies before it: '~' sorts behind every id.
  const behind = { key: after, id: query.afterId ?? '~', row: {} }
  const { entries, truncated } = rollUp<Found>({
    prefix,
    delimiter: Buffer.from(query.delimiter ?? ''),
    start: after.length > 0 && after.compare(prefix) >= 0 ? { behind } : { from: prefix },
    prefixesAfter: after,
    limit: query.limit,
    scan: (position, limit) => {
      const [key, id] =
        'from' in position ? [position.from, ''] : [position.behind.key, position.behind.id]
      return database
        .all(
          'SELECT * FROM upload WHERE bucket = ? AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?',
          bucket,
          key,
          id,
          limit,
        )
        .map((row) => ({ key: blobOf(row.key), id: String(row.id), row }))
    },
  })
  const show = (entry: Entry<Found>) =>
    'row' in entry
      ? { upload: decodeUpload(database, bucket, entry.row.row) }
      : { commonPrefix: entry.commonPrefix.toString('utf8') }
  return { entries: entries.map(show), truncated }
}
