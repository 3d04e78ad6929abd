import { messageOf } from '../platform/errors.ts'
import { openDatabase } from '../platform/sqlite.ts'

export interface DocumentsReport {
  readonly documents: number
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

/** The database's own check, and that every document is JSON. Beside a running server too. */
export const fsckDocuments = (path: string): DocumentsReport => {
  const problems: { place: string; problem: string }[] = []
  let documents = 0
  const database = openDatabase(path, { synchronous: 'OFF', readOnly: true })
  try {
    for (const { integrity_check: found } of database.prepare('PRAGMA integrity_check').all()) {
      if (found !== 'ok') problems.push({ place: path, problem: `damaged: ${String(found)}` })
    }
    const all = database.prepare('SELECT key, value FROM documents WHERE value IS NOT NULL')
    for (const { key, value } of all.iterate()) {
      documents++
      try {
        JSON.parse(String(value))
      } catch (error) {
        problems.push({ place: `document ${String(key)}`, problem: messageOf(error) })
      }
    }
  } catch (error) {
    // Damage that SQLite cannot step over; what it said before that is told too.
    problems.push({ place: path, problem: `cannot be read on: ${messageOf(error)}` })
  } finally {
    database.close()
  }
  return { documents, problems }
}
