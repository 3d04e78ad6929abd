import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { fsckImports } from './fsck-imports.ts'
import { HISTORY, openImportStore } from './import-store.ts'

const newFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-fsck-import-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const fill = async (folder: string): Promise<void> => {
  const store = await openImportStore(folder)
  const files = [{ path: 'a', version: '1', done: true, events: 3 }]
  store.confirm([store.note(HISTORY, { frames: [], files }, [])])
  store.note(HISTORY, { frames: [], files: [] }, [])
  for (let file = 0; file < 300; file++) store.putSurvey(`${file}`, 'v'.repeat(200), [])
  store.close()
}

describe('fsck of the import folder', () => {
  it('counts, and finds nothing in what an import left or where none was', async (t) => {
    const folder = newFolder(t)
    assert.deepEqual(fsckImports(folder), { files: 0, open: 0, problems: [] })
    await fill(folder)
    assert.deepEqual(fsckImports(folder), { files: 1, open: 1, problems: [] })
  })

  it('reads beside an import that runs', async (t) => {
    const folder = newFolder(t)
    const store = await openImportStore(folder)
    store.note(HISTORY, { frames: [], files: [] }, [])
    assert.deepEqual(fsckImports(folder), { files: 0, open: 1, problems: [] })
    store.close()
  })

  it('finds damage, what is no database, and a newer format', async (t) => {
    const folder = newFolder(t)
    const path = join(folder, 'imports.sqlite')
    await fill(folder)
    const whole = readFileSync(path)
    // Pages behind the schema's.
    writeFileSync(path, Buffer.from(whole).fill(0x5a, 4096 * 2))
    assert.ok(fsckImports(folder).problems.length > 0)
    writeFileSync(path, 'no database, but something of another kind'.repeat(100))
    assert.match(fsckImports(folder).problems[0]?.problem ?? '', /not a database/)
    writeFileSync(path, whole)
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 9')
    database.close()
    assert.match(fsckImports(folder).problems[0]?.problem ?? '', /format 9/)
  })
})
