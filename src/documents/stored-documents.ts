import { messageOf } from '../platform/errors.ts'
import { openDatabase } from '../platform/sqlite.ts'
import { DocumentsError } from './documents.ts'

const DAMAGED =
  'Run `clew fsck`. Restore the file from a backup while Clew is stopped: events are not in it.'

/**
 * The documents below `prefix` as they are now, read without opening the store: nothing is created
 * or migrated. Beside a running server too. Throws DocumentsError where the file is absent or damaged.
 */
export const readStoredDocuments = <Value>(
  path: string,
  prefix: string,
): { readonly key: string; readonly value: Value }[] => {
  try {
    const database = openDatabase(path, { synchronous: 'OFF', readOnly: true })
    try {
      return database
        .prepare(
          'SELECT key, value FROM documents WHERE key >= ? AND key < ? AND value IS NOT NULL ORDER BY key',
        )
        .all(prefix, `${prefix}\u{10ffff}`)
        .map((row) => ({ key: String(row.key), value: JSON.parse(String(row.value)) as Value }))
    } finally {
      database.close()
    }
  } catch (cause) {
    const message = `${path} cannot be read: ${messageOf(cause)}`
    throw new DocumentsError('unavailable', message, { cause, hint: DAMAGED })
  }
}
