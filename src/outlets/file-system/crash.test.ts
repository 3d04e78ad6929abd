import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { systemClock } from '../../platform/clock.ts'
import { type Logger, silentLogger } from '../../platform/logger.ts'
import { openFileObjectStore } from './file-object-store.ts'
import { contentOf } from './testing/put-loop.ts'
import {
  contentFiles,
  openTestStore,
  TEST_MASTER_KEY,
  temporaryStore,
} from './testing/temporary-store.ts'

const PUT_LOOP = join(import.meta.dirname, 'testing', 'put-loop.ts')

const start = (folder: string, bucket: string, name: string): ChildProcess =>
  spawn(process.execPath, ['--no-maglev', PUT_LOOP, folder, bucket, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

/** The keys that `child` acknowledged, killed with SIGKILL after `count` of them. */
const killAfter = async (child: ChildProcess, count: number): Promise<string[]> => {
  const acknowledged: string[] = []
  assert.ok(child.stdout)
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line)
    if (acknowledged.length === count) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return acknowledged
}

const numberOf = (key: string): number => Number(key.slice(key.indexOf('/') + 1))

const folderNames = async (root: string): Promise<string[]> =>
  (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

describe('the sweep after a crash', () => {
  it('says so only where something was removed', async (t) => {
    const { folder, store } = await temporaryStore()
    t.after(() => rm(folder, { recursive: true }))
    await store.close()
    const said: object[] = []
    const logger: Logger = { ...silentLogger, info: (fields) => said.push(fields) }
    const sweep = async (): Promise<void> => {
      await writeFile(join(folder, 'openers', '0123456789ab.lock'), '')
      const options = { master: TEST_MASTER_KEY, clock: systemClock, logger }
      const opened = await openFileObjectStore(folder, options)
      await opened.swept
      await opened.close()
    }
    await sweep()
    assert.deepEqual(said, [])
    const [first = ''] = await folderNames(join(folder, 'content'))
    const left = join(folder, 'content', first, `0123456789ab-${first}`)
    await writeFile(left, 'half')
    await sweep()
    assert.deepEqual(said, [{ openers: 1, removed: 1 }])
  })
})

describe('kill -9 while objects are put', () => {
  it('loses nothing acknowledged, shows nothing half, leaves no file behind', async () => {
    const { folder, store, bucket } = await temporaryStore()
    const acknowledged: string[] = []
    for (const [round, count] of [40, 25, 60].entries()) {
      acknowledged.push(...(await killAfter(start(folder, bucket, `round-${round}`), count)))
    }
    assert.ok(acknowledged.length >= 125)
    await store.close()

    const reopened = await openTestStore(folder)
    await reopened.swept
    const listed = await reopened.list(bucket, { limit: 10_000 })
    const keys = new Set(listed.map(({ key }) => key))
    for (const key of acknowledged) assert.ok(keys.has(key), `${key} was acknowledged and is lost`)
    for (const { key, size } of listed) {
      const expected = contentOf(key, numberOf(key))
      const { body } = await reopened.get(bucket, key)
      assert.equal(size, expected.length)
      assert.ok(Buffer.concat(await body.toArray()).equals(expected), key)
    }
    assert.equal((await contentFiles(folder)).length, listed.length)
    assert.equal((await readdir(join(folder, 'openers'))).length, 1)
    await reopened.close()
    await rm(folder, { recursive: true })
  })

  it('sweeps the dead and spares the living: two processes and a third that opens', async () => {
    const { folder, store, bucket } = await temporaryStore()
    const [one, two] = [start(folder, bucket, 'one'), start(folder, bucket, 'two')]
    const ends = [killAfter(one, 30), killAfter(two, 60)]
    const sweeper = await openTestStore(folder)
    await sweeper.swept
    const first = await ends[0]
    const second = await openTestStore(folder)
    await second.swept
    const acknowledged = [...(first ?? []), ...((await ends[1]) ?? [])]
    for (const key of acknowledged) {
      const { body } = await second.get(bucket, key)
      assert.ok(Buffer.concat(await body.toArray()).equals(contentOf(key, numberOf(key))), key)
    }
    for (const opened of [second, sweeper, store]) await opened.close()
    const last = await openTestStore(folder)
    await last.swept
    const listed = await last.list(bucket, { limit: 10_000 })
    assert.equal((await contentFiles(folder)).length, listed.length)
    await last.close()
    await rm(folder, { recursive: true })
  })
})
