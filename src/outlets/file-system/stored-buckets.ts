/** Reads the buckets of a store without opening it: nothing is created, locked or swept. */
import { join } from 'node:path'
import type { MasterKey } from '../../platform/encryption.ts'
import { openDatabase } from '../../platform/sqlite.ts'
import { type BucketFacts, ObjectStoreError } from '../object-store.ts'
import type { BucketSettings } from './buckets.ts'
import { blobOf, bucketPlace } from './database.ts'

/** All buckets as they are now, beside a running server too. Throws where the store cannot be read. */
export const readStoredBuckets = (folder: string, masterKey: MasterKey): BucketFacts[] => {
  const path = join(folder, 'objects.sqlite')
  const database = openDatabase(path, { synchronous: 'OFF', readOnly: true })
  try {
    const wrapped = database.prepare("SELECT value FROM meta WHERE name = 'key'").get()?.value
    if (!(wrapped instanceof Uint8Array)) {
      throw new ObjectStoreError('failed', 'The key of the object store is missing.')
    }
    const cipher = masterKey.dataKey(wrapped)
    const rows = database.prepare('SELECT name, account, region, sealed FROM bucket').all()
    return rows.map((row) => {
      const name = String(row.name)
      const plain = cipher.open(blobOf(row.sealed), Buffer.from(bucketPlace(name)))
      const { policy } = JSON.parse(plain.toString()) as BucketSettings
      const facts = { name, account: String(row.account), region: String(row.region) }
      return policy === undefined ? facts : { ...facts, policy }
    })
  } finally {
    database.close()
  }
}
