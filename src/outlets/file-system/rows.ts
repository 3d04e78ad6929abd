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

const decodePart = (database: StoreDatabase, holder: number, row: Row): PartRow => {
  const file = typeof row.file === 'string' ? row.file : null
  return {
    ...database.open<PartDetails>(row.sealed, partPlace(holder, file)),
    number: Number(row.number),
    size: Number(row.size),
    lastModified: Number(row.modified),
    file,
  }
}

/**
 * An object with its one part: one statement reads one state, without a transaction around it.
 * Undefined where there is no such bucket or object, or an object of several parts.
 */
export const findSimpleObject = (
  database: StoreDatabase,
  bucket: string,
  key: string,
): { readonly object: StoredObject; readonly parts: PartRow[] } | undefined => {
  const [row, second] = database.all(
    `SELECT object.*, part.number AS partNumber, part.file AS partFile, part.size AS partSize,
            part.modified AS partModified, part.sealed AS partSealed
     FROM bucket JOIN object ON object.bucket = bucket.id LEFT JOIN part ON part.holder = object.holder
     WHERE bucket.name = ? AND object.key = ? LIMIT 2`,
    bucket,
    Buffer.from(key),
  )
  if (row === undefined || second !== undefined) return undefined
  const { partNumber: number, partFile: file, partSize: size, partModified: modified } = row
  const part = { number, file, size, modified, sealed: row.partSealed }
  const object = decodeObject(database, row)
  return { object, parts: number === null ? [] : [decodePart(database, Number(row.holder), part)] }
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
    .map((row) => decodePart(database, holder, row))

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
