/** Reads every object of a store to its end: each chunk is authenticated, then size and MD5 hold. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { messageOf } from '../../platform/errors.ts'
import { openDatabase } from '../../platform/sqlite.ts'
import { type ObjectStore, ObjectStoreError } from '../object-store.ts'

export interface ObjectsReport {
  readonly objects: number
  readonly bytes: number
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

/** An ETag that is the content's MD5; those of multipart uploads end in `-N`. */
const MD5_ETAG = /^"([0-9a-f]{32})"$/

const checkObject = async (store: ObjectStore, bucket: string, key: string): Promise<number> => {
  const { facts, body } = await store.get(bucket, key)
  const hash = createHash('md5')
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    hash.update(chunk)
  }
  if (bytes !== facts.size) throw new Error(`it has ${bytes} bytes, not ${facts.size}`)
  const expected = MD5_ETAG.exec(facts.etag)?.[1]
  if (expected !== undefined && hash.digest('hex') !== expected) {
    throw new Error('its content does not match its ETag')
  }
  return bytes
}

/** Also beside a running server: an object that is removed meanwhile is no problem. */
export const fsckObjects = async (folder: string, store: ObjectStore): Promise<ObjectsReport> => {
  const problems: { place: string; problem: string }[] = []
  let objects = 0
  let bytes = 0
  const database = openDatabase(join(folder, 'objects.sqlite'), {
    synchronous: 'OFF',
    readOnly: true,
  })
  try {
    for (const row of database.prepare('PRAGMA quick_check').all()) {
      if (row.quick_check !== 'ok') {
        problems.push({ place: 'objects.sqlite', problem: String(row.quick_check) })
      }
    }
    const names = database.prepare(
      `SELECT bucket.name AS bucket, CAST(object.key AS TEXT) AS key
       FROM object JOIN bucket ON bucket.id = object.bucket ORDER BY object.bucket, object.key`,
    )
    for (const row of names.iterate()) {
      const bucket = String(row.bucket)
      const key = String(row.key)
      objects++
      try {
        bytes += await checkObject(store, bucket, key)
      } catch (error) {
        const gone = error instanceof ObjectStoreError && error.code === 'no-such-key'
        if (!gone) problems.push({ place: `s3://${bucket}/${key}`, problem: messageOf(error) })
      }
    }
  } finally {
    database.close()
  }
  return { objects, bytes, problems }
}
