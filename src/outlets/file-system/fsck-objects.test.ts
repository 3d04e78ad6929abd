import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { makeDataFolder, removeFolder } from '../../../test/conformance/clew-server.ts'
import { systemClock } from '../../platform/clock.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import { silentLogger } from '../../platform/logger.ts'
import { openFileObjectStore } from './file-object-store.ts'
import { fsckObjects } from './fsck-objects.ts'

it('reads every object and names the one whose bytes were altered', async (t) => {
  const folder = makeDataFolder()
  const store = await openFileObjectStore(folder, {
    master: masterKeyOf(Buffer.alloc(32, 1)),
    clock: systemClock,
    logger: silentLogger,
  })
  t.after(async () => {
    await store.close()
    removeFolder(folder)
  })
  await store.buckets.create({
    name: 'b',
    account: '123456789012',
    region: 'us-east-1',
    settings: {},
  })
  await store.put('b', 'sound', Buffer.from('sound'))
  await store.put('b', 'ü/odd key', Buffer.from('content that is altered'))
  const clean = await fsckObjects(folder, store)
  assert.deepEqual({ ...clean }, { objects: 2, bytes: 28, problems: [] })

  const files = globSync('content/**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const altered =
    files.find((file) => readFileSync(file).length > readFileSync(files[0] ?? '').length) ??
    files[0]
  const bytes = readFileSync(altered ?? '')
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1
  writeFileSync(altered ?? '', bytes)
  const found = await fsckObjects(folder, store)
  assert.equal(found.problems.length, 1)
  assert.match(found.problems[0]?.place ?? '', /^s3:\/\/b\//)
})
