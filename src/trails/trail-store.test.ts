import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqliteDocuments } from '../documents/sqlite-documents.ts'
import { JournalError } from '../journal/journal.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import { createMemoryRecorder, type MemoryRecorder } from './testing/memory-recorder.ts'
import { sampleTrail } from './testing/trail-samples.ts'
import type { AccountTrails, Trail } from './trail.ts'
import { openTrailStore, type TrailStore } from './trail-store.ts'

const ACCOUNT = '123456789012'
const KEY = `trails/${ACCOUNT}`

const openDocuments = async (stack: AsyncDisposableStack) => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-trails-'))
  stack.defer(() => rm(folder, { recursive: true }))
  return async () =>
    stack.adopt(
      await openSqliteDocuments(join(folder, 'documents.db'), {
        clock: systemClock,
        logger: silentLogger,
      }),
      (documents) => documents.close(),
    )
}

const setUp = async (stack: AsyncDisposableStack) => {
  const open = await openDocuments(stack)
  const documents = await open()
  const recorder = createMemoryRecorder()
  /** As another process over the same documents, or the same one after a restart. */
  const openStore = async (mine: MemoryRecorder = recorder): Promise<TrailStore> =>
    stack.adopt(
      openTrailStore({ documents: await open(), recorder: mine, logger: silentLogger }),
      (store) => store.close(),
    )
  return { documents, recorder, openStore, store: await openStore() }
}

const put = (trail: Trail) => () => ({ kind: 'put', trail }) as const

const next = (trails: readonly Trail[], name: string, changes: Partial<Trail> = {}) => {
  const trail = trails.find((candidate) => candidate.name === name)
  assert.ok(trail !== undefined)
  return { kind: 'put', trail: { ...trail, ...changes, revision: trail.revision + 1 } } as const
}

test('a change is in every shard when it resolves, and read at once', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, store } = await setUp(stack)
  assert.deepEqual(await store.list(ACCOUNT), [])
  const trail = sampleTrail()
  await store.change(ACCOUNT, 'event-1', put(trail))
  assert.deepEqual(await store.list(ACCOUNT), [trail])
  assert.deepEqual(recorder.changes(), [{ kind: 'put', trail, eventId: 'event-1' }])
  assert.ok(recorder.shards.length > 1)
  for (const shard of recorder.shards) {
    assert.deepEqual(
      shard.map(({ topic }) => topic),
      ['trail'],
    )
  }
})

test('what the decision throws or leaves alone changes nothing', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, store, documents } = await setUp(stack)
  const refusal = new Error('no')
  await assert.rejects(
    store.change(ACCOUNT, 'e', () => {
      throw refusal
    }),
    refusal,
  )
  await store.change(ACCOUNT, 'e', () => undefined)
  assert.equal(await documents.get(KEY), undefined)
  assert.deepEqual(recorder.changes(), [])
  // The queue of the account goes on after a refusal.
  await store.change(ACCOUNT, 'e', put(sampleTrail()))
  assert.equal((await store.list(ACCOUNT)).length, 1)
})

test('changes at the same time all hold, and are announced in order', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, openStore, store } = await setUp(stack)
  const other = await openStore()
  await store.change(ACCOUNT, 'e', put(sampleTrail()))
  await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      (index % 2 === 0 ? store : other).change(ACCOUNT, `e${index}`, (trails) =>
        next(trails, 'main', { tags: [...(trails[0]?.tags ?? []), { Key: `k${index}` }] }),
      ),
    ),
  )
  const revisions = recorder.changes().map(({ trail }) => trail.revision)
  assert.deepEqual(
    revisions,
    Array.from({ length: 11 }, (_, index) => index + 1),
  )
  const last = recorder.changes().at(-1)?.trail
  assert.equal(last?.tags.length, 10)
  assert.deepEqual(await (await openStore()).list(ACCOUNT), [last])
})

test('a committed change that was not announced is, before the next answer', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, store } = await setUp(stack)
  await store.change(ACCOUNT, 'e1', put(sampleTrail()))
  recorder.refuse(1)
  const start = () =>
    store.change(ACCOUNT, 'e2', (trails) =>
      trails[0]?.isLogging === true ? undefined : next(trails, 'main', { isLogging: true }),
    )
  await assert.rejects(start(), JournalError)
  assert.equal(recorder.changes().length, 1)
  // The repeat changes nothing, and must not be answered before the first one is announced.
  await start()
  const last = recorder.changes().at(-1)
  assert.deepEqual([last?.trail.isLogging, last?.trail.revision, last?.eventId], [true, 2, 'e2'])
})

test('a crash between commit and announcement is mended at start, deletions too', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, store, openStore, documents } = await setUp(stack)
  await store.change(ACCOUNT, 'e1', put(sampleTrail()))
  await store.change(ACCOUNT, 'e2', put(sampleTrail({ name: 'other' })))
  recorder.refuse(1)
  const gone = sampleTrail({ revision: 2 })
  await assert.rejects(store.change(ACCOUNT, 'e3', () => ({ kind: 'delete', trail: gone })))

  const afterwards = createMemoryRecorder()
  const restarted = await openStore(afterwards)
  await restarted.announceAll()
  assert.deepEqual(
    afterwards.changes().map(({ kind, trail, eventId }) => [kind, trail.name, eventId]),
    [
      ['delete', 'main', 'e3'],
      ['put', 'other', ''],
    ],
  )
  assert.deepEqual((await documents.get<AccountTrails>(KEY))?.value, {
    trails: { [sampleTrail({ name: 'other' }).arn]: sampleTrail({ name: 'other' }) },
  })
})

test('a repeat of the announcement has the same id', async () => {
  await using stack = new AsyncDisposableStack()
  const { recorder, store } = await setUp(stack)
  await store.change(ACCOUNT, 'e1', put(sampleTrail()))
  await store.announceAll()
  await store.announceAll()
  assert.equal(recorder.changes().length, 1)
})

test('what another process changes is seen', { timeout: 10_000 }, async () => {
  await using stack = new AsyncDisposableStack()
  const { documents, openStore, store } = await setUp(stack)
  const seen = Promise.withResolvers<void>()
  using _watch = documents.watch(KEY, () => seen.resolve())
  const other = await openStore()
  assert.deepEqual(await store.list(ACCOUNT), [])
  await other.change(ACCOUNT, 'e', put(sampleTrail()))
  await seen.promise
  // The watches of one store are told together or not far apart; the cache gives way for good.
  while ((await store.list(ACCOUNT)).length === 0) await new Promise((r) => setImmediate(r))
  assert.deepEqual(await store.list(ACCOUNT), [sampleTrail()])
})

test('accounts do not see each other', async () => {
  await using stack = new AsyncDisposableStack()
  const { store } = await setUp(stack)
  await store.change(ACCOUNT, 'e', put(sampleTrail()))
  assert.deepEqual(await store.list('210987654321'), [])
})
