/** Checks what imports remember (docs/formats/import.md). Reads only, beside a running import too. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../../platform/errors.ts'
import { openDatabase } from '../../../platform/sqlite.ts'
import { DATABASE, FORMAT_VERSION } from './import-store.ts'

export interface ImportsReport {
  /** Files whose progress is remembered. */
  readonly files: number
  /** Batches that an import has not confirmed: one runs, or was cut off. */
  readonly open: number
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

type Count = (table: 'file' | 'batch') => number

const check = (path: string, problems: string[]): { files: number; open: number } => {
  const database = openDatabase(path, { synchronous: 'OFF', readOnly: true })
  try {
    const wrong = database
      .prepare('PRAGMA quick_check')
      .all()
      .map((row) => String(row.quick_check))
    problems.push(...wrong.filter((text) => text !== 'ok'))
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
    // 0: an import has just created the file.
    if (version === 0) return { files: 0, open: 0 }
    if (version !== FORMAT_VERSION) {
      problems.push(`it has format ${version}, which this release of Clew does not know`)
      return { files: 0, open: 0 }
    }
    const count: Count = (table) =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
    return { files: count('file'), open: count('batch') }
  } finally {
    database.close()
  }
}

/** `folder`: `<data>/import`. An absent index is fine: nothing was imported, or it was deleted. */
export const fsckImports = (folder: string): ImportsReport => {
  const path = join(folder, DATABASE)
  if (!existsSync(path)) return { files: 0, open: 0, problems: [] }
  const found: string[] = []
  let counts = { files: 0, open: 0 }
  try {
    counts = check(path, found)
  } catch (error) {
    found.push(messageOf(error))
  }
  const problems = found.map((problem) => ({ place: path, problem }))
  return { ...counts, problems }
}
