/** Object and part rows: how they are read and bound to their place. */
import { ObjectStoreError } from '../object-store.ts'
import { blobOf, type Row, type StoreDatabase } from './database.ts'
import type {
  ObjectDetails,
  PutCondition,
  StoredChecksum,
  StoredObject,
  StoredPart,
} from './stored-object.ts'

const objectPlace = (bucket: number, key: Buffer): string =>
  `object ${bucket} ${key.toString('hex')}`
const partPlace = (holder: number, file: string | null): string => `part ${holder} ${file ?? ''}`

export const decodeObject = (database: StoreDatabase, row: Row): StoredObject => {
  const key = blobOf(row.key)
  const details = database.open<ObjectDetails>(row.sealed, objectPlace(Number(row.bucket), key))
  return {
    ...details,
    key: key.toString('utf8'),
    size: Number(row.size),
    lastModified: Number(row.modified),
  }
}

export const findObjectRow = (
  database: StoreDatabase,
  bucket: number,
  key: Buffer,
): Row | undefined => database.get('SELECT * FROM object WHERE bucket = ? AND key = ?', bucket, key)

export const writeObjectRow = (
  database: StoreDatabase,
  bucket: number,
  object: { key: Buffer; holder: number; size: number; modified: number; details: ObjectDetails },
): void =>
  database.run(
    'INSERT OR REPLACE INTO object (bucket, key, holder, size, modified, sealed) VALUES (?, ?, ?, ?, ?, ?)',
    bucket,
    object.key,
    object.holder,
    object.size,
    object.modified,
    database.seal(object.details, objectPlace(bucket, object.key)),
  )

/** A part and the content file that holds it (none when it is empty). */
export interface PartRow extends StoredPart {
  readonly file: string | null
}

interface PartDetails {
  readonly etag: string
  readonly checksum?: StoredChecksum
}

export const readParts = (
  database: StoreDatabase,
  holder: number,
  after = 0,
  limit = -1,
): PartRow[] =>
  database
    .all(
      'SELECT * FROM part WHERE holder = ? AND number > ? ORDER BY number LIMIT ?',
      holder,
      after,
      limit,
    )
    .map((row) => {
      const file = typeof row.file === 'string' ? row.file : null
      return {
        ...database.open<PartDetails>(row.sealed, partPlace(holder, file)),
        number: Number(row.number),
        size: Number(row.size),
        lastModified: Number(row.modified),
        file,
      }
    })

export const writePart = (database: StoreDatabase, holder: number, part: PartRow): void => {
  const details: PartDetails = {
    etag: part.etag,
    ...(part.checksum !== undefined && { checksum: part.checksum }),
  }
  database.run(
    'INSERT OR REPLACE INTO part (holder, number, file, size, modified, sealed) VALUES (?, ?, ?, ?, ?, ?)',
    holder,
    part.number,
    part.file,
    part.size,
    part.lastModified,
    database.seal(details, partPlace(holder, part.file)),
  )
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: If-Match on a key
 * that has no object is 404, any other mismatch 412.
 */
export const checkCondition = (
  existing: StoredObject | undefined,
  condition: PutCondition | undefined,
): void => {
  const failed = () =>
    new ObjectStoreError(
      'precondition-failed',
      'At least one of the pre-conditions you specified did not hold',
    )
  if (condition?.ifNoneMatch !== undefined && existing !== undefined) throw failed()
  if (condition?.ifMatch === undefined) return
  if (existing === undefined) {
    throw new ObjectStoreError('no-such-key', 'The specified key does not exist.')
  }
  const wanted = condition.ifMatch.replaceAll('"', '')
  if (wanted !== '*' && wanted !== existing.etag.replaceAll('"', '')) throw failed()
}
