import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { type DocumentsPair, documentsContract } from '../../test/contracts/documents.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import { DocumentsError } from './documents.ts'
import { openSqliteDocuments, TOMBSTONE_MS } from './sqlite-documents.ts'
import { remoteDocuments, startProcess } from './testing/remote-documents.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

const newPath = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-documents-'))
  folders.push(folder)
  return join(folder, 'state', 'documents.db')
}

const open = (path: string, clock: Clock = systemClock) =>
  openSqliteDocuments(path, { clock, logger: silentLogger })

const pairOf = async (
  path: string,
  openOther: () => ReturnType<typeof open>,
): Promise<DocumentsPair> => {
  const [one, other] = [await open(path), await openOther()]
  const close = async (): Promise<void> => {
    await Promise.all([one.close(), other.close()])
  }
  const reopen = async () => {
    await close()
    return pairOf(path, openOther)
  }
  return { one, other, reopen, remove: close }
}

documentsContract('sqlite, one process', async () => {
  const path = await newPath()
  return pairOf(path, () => open(path))
})

documentsContract('sqlite, two processes', async () => {
  const path = await newPath()
  return pairOf(path, () => remoteDocuments(path))
})

const unavailable = (error: unknown): boolean =>
  error instanceof DocumentsError && error.code === 'unavailable' && error.hint !== undefined

test('files are readable by their owner only', async () => {
  const path = await newPath()
  await using stack = new AsyncDisposableStack()
  stack.adopt(await open(path), (documents) => documents.close())
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('a full disk is unavailable, and what was durable stays', async () => {
  const path = await newPath()
  const limited = await remoteDocuments(path, 2_000)
  const value = 'x'.repeat(100_000)
  let durable = 0
  const fill = async (): Promise<void> => {
    for (; durable < 100; durable++) await limited.put(`k/${durable}`, value, 'absent')
  }
  await assert.rejects(fill(), { code: 'unavailable' })
  assert.ok(durable > 0)
  assert.equal((await limited.list('k/')).length, durable)
  await limited.close()
  const documents = await open(path)
  assert.equal((await documents.list('k/')).length, durable)
  await documents.put('more', value, 'absent')
  await documents.close()
})

test('a damaged file is unavailable', async () => {
  const path = await newPath()
  await (await open(path)).close()
  await writeFile(path, 'not a database '.repeat(1_000))
  await assert.rejects(open(path), unavailable)
})

test('a newer format is refused', async () => {
  const path = await newPath()
  await (await open(path)).close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  await assert.rejects(open(path), unavailable)
})

test('removed keys are forgotten after their time', async () => {
  const path = await newPath()
  let now = 1_000_000
  const documents = await open(path, { ...systemClock, now: () => now })
  await documents.put('a', 1, 'any')
  await documents.remove('a', 'any')
  now += TOMBSTONE_MS + 1
  await documents.put('b', 1, 'any')
  await documents.remove('b', 'any')
  await documents.close()
  const db = new DatabaseSync(path)
  const keys = db
    .prepare('SELECT key FROM documents')
    .all()
    .map((row) => row.key)
  db.close()
  assert.deepEqual(keys, ['b'])
})

test('concurrent first openers of several processes all succeed', async () => {
  const path = await newPath()
  const all = await Promise.all(Array.from({ length: 4 }, () => remoteDocuments(path)))
  await Promise.all(all.map((documents, index) => documents.put(`k/${index}`, index, 'absent')))
  assert.equal((await all[0]?.list('k/'))?.length, 4)
  await Promise.all(all.map((documents) => documents.close()))
})

test('a process that was killed while it wrote leaves the documents usable', async () => {
  const path = await newPath()
  const documents = await open(path)
  const child = startProcess([path, 'write'], 'unlimited')
  const acknowledged: string[] = []
  child.on('message', (key: string) => {
    acknowledged.push(key)
    if (acknowledged.length === 50) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  const keys = new Set((await documents.list('load/')).map((document) => document.key))
  for (const key of acknowledged) assert.ok(keys.has(key), key)
  await documents.put('after', 1, 'absent')
  await documents.close()
})
