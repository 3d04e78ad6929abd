/** Buckets and their settings documents. */
import type { Clock } from '../../platform/clock.ts'
import { ObjectStoreError } from '../object-store.ts'
import type { CommitQueue } from './commit-queue.ts'
import { blobOf, bucketPlace, type Row, type StoreDatabase } from './database.ts'
import { FileStoreError, type Tag } from './stored-object.ts'

export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter'

export interface PublicAccessBlock {
  readonly BlockPublicAcls: boolean
  readonly IgnorePublicAcls: boolean
  readonly BlockPublicPolicy: boolean
  readonly RestrictPublicBuckets: boolean
}

/** Absent means that the setting was removed (or never made). */
export interface BucketSettings {
  /** The policy's JSON text as it was put. */
  readonly policy?: string
  readonly tags?: readonly Tag[]
  readonly ownership?: ObjectOwnership
  readonly publicAccessBlock?: PublicAccessBlock
  /** As CreateBucket sent it; GetBucketLocation repeats it. Absent for us-east-1. */
  readonly locationConstraint?: string
}

export interface BucketRecord {
  readonly id: number
  readonly name: string
  /** The account that owns it. */
  readonly account: string
  readonly region: string
  readonly createdAt: number
  readonly settings: BucketSettings
}

export interface NewBucket {
  readonly name: string
  readonly account: string
  readonly region: string
  readonly settings: BucketSettings
}

export interface BucketStore {
  find(name: string): BucketRecord | undefined
  /** Throws `no-such-bucket`. */
  require(name: string): BucketRecord
  /** Throws `no-such-bucket` when the bucket was removed (and perhaps made again). */
  requireId(id: number): void
  /** In byte order of the names, those greater than `after`. */
  list(
    account: string,
    options: { prefix?: string; after?: string; region?: string; limit: number },
  ): BucketRecord[]
  /** The new bucket, or the one that has the name already. */
  create(bucket: NewBucket): Promise<{ created: boolean; bucket: BucketRecord }>
  /** Reads, changes and writes the settings in one transaction. */
  update(name: string, change: (settings: BucketSettings) => BucketSettings): Promise<void>
  /** Throws `bucket-not-empty` while objects are in it; uploads under way are aborted. */
  remove(name: string): Promise<void>
}

const noSuchBucket = (): ObjectStoreError =>
  new ObjectStoreError('no-such-bucket', 'The specified bucket does not exist')

/** Buckets whose opened settings are remembered. */
const OPENED_MAX = 1_000

/**
 * The row is read for every call; opening what is sealed in it costs more than all the rest. Each
 * sealing has a nonce of its own, so that the same sealed bytes are the same settings.
 */
const rememberOpened = <Value>(open: (sealed: Buffer, name: string) => Value) => {
  const opened = new Map<string, { readonly sealed: Buffer; readonly value: Value }>()
  return (sealed: Buffer, name: string): Value => {
    const known = opened.get(name)
    if (known?.sealed.equals(sealed) === true) return known.value
    const value = open(sealed, name)
    if (opened.size >= OPENED_MAX) opened.clear()
    opened.set(name, { sealed, value })
    return value
  }
}

const removeBucket = (
  database: StoreDatabase,
  id: number,
  dropHolder: (holder: number) => void,
): void => {
  if (database.get('SELECT 1 FROM object WHERE bucket = ? LIMIT 1', id) !== undefined) {
    throw new FileStoreError('bucket-not-empty', 'The bucket you tried to delete is not empty')
  }
  const uploads = database.all('DELETE FROM upload WHERE bucket = ? RETURNING holder', id)
  for (const { holder } of uploads) dropHolder(Number(holder))
  database.run('DELETE FROM bucket WHERE id = ?', id)
}

export const createBucketStore = (
  database: StoreDatabase,
  commits: CommitQueue,
  clock: Clock,
  dropHolder: (holder: number) => void,
): BucketStore => {
  const openSettings = rememberOpened<BucketSettings>((sealed, name) =>
    database.open(sealed, bucketPlace(name)),
  )
  const decode = (row: Row): BucketRecord => ({
    id: Number(row.id),
    name: String(row.name),
    account: String(row.account),
    region: String(row.region),
    createdAt: Number(row.created),
    settings: openSettings(blobOf(row.sealed), String(row.name)),
  })
  const find = (name: string): BucketRecord | undefined => {
    const row = database.get('SELECT * FROM bucket WHERE name = ?', name)
    return row === undefined ? undefined : decode(row)
  }
  const requireBucket = (name: string): BucketRecord => {
    const bucket = find(name)
    if (bucket === undefined) throw noSuchBucket()
    return bucket
  }
  return {
    find,
    require: requireBucket,
    requireId: (id) => {
      if (database.get('SELECT 1 FROM bucket WHERE id = ?', id) === undefined) throw noSuchBucket()
    },
    list: (account, { prefix = '', after = '', region, limit }) =>
      database
        .all(
          `SELECT * FROM bucket WHERE account = ?1 AND name > ?2 AND substr(name, 1, length(?3)) = ?3
           AND (?4 IS NULL OR region = ?4) ORDER BY name LIMIT ?5`,
          account,
          after,
          prefix,
          region ?? null,
          limit,
        )
        .map(decode),
    create: (bucket) =>
      commits.commit(() => {
        const existing = find(bucket.name)
        if (existing !== undefined) return { created: false, bucket: existing }
        database.run(
          'INSERT INTO bucket (name, account, region, created, sealed) VALUES (?, ?, ?, ?, ?)',
          bucket.name,
          bucket.account,
          bucket.region,
          clock.now(),
          database.seal(bucket.settings, bucketPlace(bucket.name)),
        )
        return { created: true, bucket: requireBucket(bucket.name) }
      }),
    update: (name, change) =>
      commits.commit(() => {
        const { id, settings } = requireBucket(name)
        const sealed = database.seal(change(settings), bucketPlace(name))
        database.run('UPDATE bucket SET sealed = ? WHERE id = ?', sealed, id)
      }),
    remove: (name) =>
      commits.commit(() => removeBucket(database, requireBucket(name).id, dropHolder)),
  }
}
