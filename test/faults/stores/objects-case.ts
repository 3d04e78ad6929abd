import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type FileObjectStore,
  openFileObjectStore,
} from '../../../src/outlets/file-system/file-object-store.ts'
import { fsckObjects } from '../../../src/outlets/file-system/fsck-objects.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { changeKey, keyFactsOf, possibleValues } from './key-values.ts'
import { impatientClock, type StoreCase, TEST_MASTER } from './store-case.ts'

const BUCKET = 'a-bucket'
const KEYS = ['logs/one', 'logs/two', 'parts']

const storeOf = (folder: string): string => join(folder, 'objects')

const open = (folder: string): Promise<FileObjectStore> =>
  openFileObjectStore(storeOf(folder), {
    master: TEST_MASTER,
    clock: impatientClock,
    logger: silentLogger,
  })

/** Equal for equal numbers; every third is several chunks long. */
const contentOf = (value: number): Buffer =>
  Buffer.alloc(value % 3 === 2 ? 140_000 + value : 40 + value, `value ${value};`)

const description = { headers: {}, metadata: { note: 'n' }, tags: [], storageClass: 'STANDARD' }

const prepare = async (folder: string): Promise<void> => {
  const store = await open(folder)
  const bucket = { name: BUCKET, account: '123456789012', region: 'eu-west-1', settings: {} }
  await store.buckets.create(bucket)
  await store.close()
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** The content in two parts, by a multipart upload. */
const putInParts = async (store: FileObjectStore, key: string, value: number): Promise<void> => {
  const upload = await store.uploads.create(BUCKET, key, { ...description, initiator: 'me' })
  const content = contentOf(value)
  const half = Math.floor(content.length / 2)
  await store.uploads.putPart(BUCKET, upload, 1, once(content.subarray(0, half)), {})
  await store.uploads.putPart(BUCKET, upload, 2, once(content.subarray(half)), {})
  const decide = () => ({ numbers: [1, 2], etag: '"0-2"' })
  await store.uploads.complete(BUCKET, key, upload.id, decide)
}

/** Puts, puts over, uploads in parts and removes. */
const work = async (folder: string, tell: (fact: string) => void): Promise<void> => {
  const store = await open(folder)
  const put = (key: string, value: number): Promise<void> =>
    changeKey(tell, { key, value }, () => store.put(BUCKET, key, contentOf(value)))
  await Promise.all([put('logs/one', 1), put('logs/two', 2)])
  await changeKey(tell, { key: 'parts', value: 5 }, () => putInParts(store, 'parts', 5))
  await put('logs/one', 4)
  const gone = { key: 'logs/two', value: null }
  await changeKey(tell, gone, () => store.remove(BUCKET, 'logs/two'))
  await put('logs/two', 6)
  await store.close()
}

const storedValue = async (store: FileObjectStore, key: string): Promise<number | null> => {
  if ((await store.head(BUCKET, key)) === undefined) return null
  const { body } = await store.get(BUCKET, key)
  const content = Buffer.concat(await body.toArray())
  const value = Number(/^value (\d+);/.exec(content.toString('latin1', 0, 20))?.[1])
  assert.ok(content.equals(contentOf(value)), `${key} has the bytes of one put`)
  return value
}

/** Content files that no row names waste space for ever. */
const orphansIn = (folder: string): string[] => {
  const database = new DatabaseSync(join(storeOf(folder), 'objects.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT file FROM part UNION SELECT file FROM garbage').all()
  database.close()
  const named = new Set(rows.map(({ file }) => String(file)))
  return readdirSync(join(storeOf(folder), 'content'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !named.has(entry.name))
    .map(({ name }) => name)
}

const check = async (folder: string, told: readonly string[]): Promise<void> => {
  const facts = keyFactsOf(told)
  const store = await open(folder)
  await store.swept
  for (const key of KEYS) {
    const value = await storedValue(store, key)
    const allowed = possibleValues(facts, key)
    assert.ok(allowed.has(value), `${key} is ${value}, not one of ${[...allowed].join(', ')}`)
  }
  const report = await fsckObjects(storeOf(folder), store)
  assert.deepEqual(report.problems, [])
  await store.close()
  assert.deepEqual(orphansIn(folder), [])
}

export const objectsCase: StoreCase = { name: 'objects', prepare, work, check }

/** The same, from an empty folder on. */
export const newObjectsCase: StoreCase = {
  name: 'new-objects',
  work: async (folder, tell) => {
    await prepare(folder)
    await work(folder, tell)
  },
  check: async (folder, told) => {
    const store = await open(folder)
    const hasBucket = (await store.bucket(BUCKET)) !== undefined
    await store.close()
    assert.ok(hasBucket || told.length === 0, 'the bucket was acknowledged')
    if (hasBucket) await check(folder, told)
  },
}
