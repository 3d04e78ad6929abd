/**
 * The object store on the file system (docs/formats/objects.md): metadata in one SQLite database,
 * content in encrypted files beside it. Several processes may have the same folder open. An object
 * is visible whole or not at all, and durable when its put resolves.
 */
import { join } from 'node:path'
import type { Clock } from '../../platform/clock.ts'
import { makeFolder } from '../../platform/durable-files.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { type ObjectFacts, type ObjectStore, ObjectStoreError } from '../object-store.ts'
import { type BucketStore, createBucketStore } from './buckets.ts'
import { CommitQueue } from './commit-queue.ts'
import { type ContentFolder, openContentFolder } from './content/content-folder.ts'
import { forDeadOpeners, type OpenerLock, takeOpenerLock } from './content/opener-lock.ts'
import { openStoreDatabase, type StoreDatabase } from './database.ts'
import { Garbage } from './garbage.ts'
import { createObjectRows, type ObjectRows, type StoreParts, streamOf } from './objects.ts'
import type { StoredObject } from './stored-object.ts'
import { createUploadStore, type UploadStore } from './uploads.ts'

export interface FileObjectStore extends ObjectStore {
  readonly buckets: BucketStore
  readonly objects: ObjectRows
  readonly uploads: UploadStore
  /** Resolves when what dead processes left behind is removed; begun at opening, never rejects. */
  readonly swept: Promise<void>
  /** Waits for the commits under way. Bodies that are still arriving fail. */
  close(): Promise<void>
}

const factsOf = (object: StoredObject): ObjectFacts => {
  const contentType = object.headers['content-type']
  const contentEncoding = object.headers['content-encoding']
  return {
    key: object.key,
    size: object.size,
    etag: object.etag,
    lastModified: object.lastModified,
    metadata: object.metadata,
    ...(contentType !== undefined && { contentType }),
    ...(contentEncoding !== undefined && { contentEncoding }),
  }
}

/** Keys that S3 takes: 1 to 1,024 bytes of UTF-8. */
export const KEY_BYTES_MAX = 1_024

const checkKey = (key: string): void => {
  if (key === '' || Buffer.byteLength(key) > KEY_BYTES_MAX || !key.isWellFormed()) {
    throw new ObjectStoreError('failed', `A key has 1 to ${KEY_BYTES_MAX} bytes of valid UTF-8.`)
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const simpleStore = (buckets: BucketStore, objects: ObjectRows): ObjectStore => ({
  bucket: async (name) => {
    const found = buckets.find(name)
    if (found === undefined) return undefined
    const { account, region, settings } = found
    return { name, account, region, ...(settings.policy && { policy: settings.policy }) }
  },
  put: async (bucket, key, body, options = {}) => {
    checkKey(key)
    const object = await objects.put(bucket, key, once(body), {
      headers: {
        ...(options.contentType !== undefined && { 'content-type': options.contentType }),
        ...(options.contentEncoding !== undefined && {
          'content-encoding': options.contentEncoding,
        }),
      },
      metadata: Object.fromEntries(
        Object.entries(options.metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      tags: [],
      storageClass: 'STANDARD',
      // The checksum that AWS's SDKs send by default. What S3 would compute by itself, CRC64NVME, has
      // no native form here.
      checksum: 'CRC32',
      condition: {
        ...(options.ifNoneMatch !== undefined && { ifNoneMatch: options.ifNoneMatch }),
        ...(options.ifMatch !== undefined && { ifMatch: options.ifMatch }),
      },
    })
    return factsOf(object)
  },
  get: async (bucket, key, range) => {
    const { object, body } = await objects.read(bucket, key, ({ size }) => {
      if (range === undefined) return undefined
      if (range.first < 0 || range.first >= size || range.last < range.first) {
        throw new ObjectStoreError('failed', 'The requested range is not satisfiable')
      }
      return { first: range.first, last: Math.min(range.last, size - 1) }
    })
    return { facts: factsOf(object), body: streamOf(body) }
  },
  head: async (bucket, key) => {
    const object = objects.find(bucket, key)
    return object && factsOf(object)
  },
  list: async (bucket, options) =>
    objects
      .list(bucket, options)
      .entries.flatMap((entry) => ('object' in entry ? [factsOf(entry.object)] : [])),
  remove: (bucket, key) => objects.remove(bucket, [key]),
})

const sweepDead = async (
  lockFolder: string,
  database: StoreDatabase,
  content: ContentFolder,
  logger: Logger,
): Promise<void> => {
  try {
    await forDeadOpeners(lockFolder, async (openers) => {
      let removed = 0
      for await (const file of content.leftBy(openers)) {
        const named =
          database.get('SELECT 1 FROM part WHERE file = ?', file) ??
          database.get('SELECT 1 FROM garbage WHERE file = ?', file)
        if (named !== undefined) continue
        await content.remove(file)
        removed += 1
      }
      if (removed === 0) return
      logger.info(
        { openers: openers.size, removed },
        'Swept what a crash left in the object store.',
      )
    })
  } catch (error) {
    // What was not swept wastes space and harms nothing; the next opening tries again.
    logger.warn({ error: messageOf(error) }, 'Sweeping the object store failed.')
  }
}

/** Opens or creates the store in `folder`. The caller closes it. */
export const openFileObjectStore = async (
  folder: string,
  options: { master: MasterKey; clock: Clock; logger: Logger },
): Promise<FileObjectStore> => {
  const { master: masterKey, clock, logger } = options
  const contentRoot = join(folder, 'content')
  const lockFolder = join(folder, 'openers')
  await makeFolder(folder)
  await makeFolder(contentRoot)
  const database = openStoreDatabase(join(folder, 'objects.sqlite'), masterKey)
  let lock: OpenerLock | undefined
  try {
    lock = await takeOpenerLock(lockFolder)
    const content = await openContentFolder(contentRoot, lock.id, masterKey)
    return assemble(lock, lockFolder, { database, content, masterKey, clock, logger })
  } catch (error) {
    await lock?.release(true)
    database.close()
    throw error
  }
}

const assemble = (
  lock: OpenerLock,
  lockFolder: string,
  base: Pick<StoreParts, 'database' | 'content' | 'masterKey' | 'clock'> & { logger: Logger },
): FileObjectStore => {
  const { database, clock, logger } = base
  const writing = countWriting(base.content)
  const commits = new CommitQueue(database)
  const garbage = new Garbage(database, commits, base.content, clock, logger)
  const buckets = createBucketStore(database, commits, clock, (holder) =>
    garbage.dropHolder(holder),
  )
  const parts: StoreParts = { ...base, content: writing.content, commits, garbage, buckets }
  const objects = createObjectRows(parts)
  const swept = sweepDead(lockFolder, database, base.content, logger)
  garbage.collect()
  return {
    ...simpleStore(buckets, objects),
    buckets,
    objects,
    uploads: createUploadStore(parts),
    swept,
    close: async () => {
      await swept
      if (!garbage.settled) garbage.collect()
      await garbage.idle()
      await commits.close()
      await lock.release(writing.count() === 0 && garbage.settled)
      database.close()
    },
  }
}

/** How many files are being written: while there are any, the lock file must outlive this opener. */
const countWriting = (content: ContentFolder): { content: ContentFolder; count: () => number } => {
  let count = 0
  return {
    content: {
      ...content,
      store: async (body) => {
        count += 1
        try {
          return await content.store(body)
        } finally {
          count -= 1
        }
      },
    },
    count: () => count,
  }
}
