import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { objectStoreContract } from '../../../test/contracts/object-store.ts'
import { systemClock } from '../../platform/clock.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import { silentLogger } from '../../platform/logger.ts'
import { openFileObjectStore } from './file-object-store.ts'
import {
  contentFiles,
  openTestStore,
  TEST_ACCOUNT,
  TEST_MASTER_KEY,
  temporaryFolder,
  temporaryStore,
} from './testing/temporary-store.ts'

objectStoreContract(temporaryStore)

const PLAIN = { headers: {}, metadata: {}, tags: [], storageClass: 'STANDARD' }

const bytesOf = async (body: Readable): Promise<Buffer> => Buffer.concat(await body.toArray())

describe('FileObjectStore', () => {
  it('writes neither content nor metadata, tags or policies in clear', async () => {
    const { folder, store, bucket, close } = await temporaryStore()
    const secret = 'A-VERY-SECRET-WORD'
    await store.buckets.update(bucket, (settings) => ({ ...settings, policy: secret }))
    await store.objects.put(bucket, 'key', Readable.from([Buffer.from(secret.repeat(10))]), {
      ...PLAIN,
      headers: { 'content-type': secret },
      metadata: { name: secret },
      tags: [{ key: secret, value: secret }],
    })
    const names = ['objects.sqlite', 'objects.sqlite-wal'].map((name) => join(folder, name))
    for (const name of [...names, ...(await contentFiles(folder))]) {
      assert.ok(!(await readFile(name)).includes(secret), name)
    }
    assert.equal((await store.bucket(bucket))?.policy, secret)
    await close()
  })

  it('reads any range of objects of any size', async () => {
    const { store, bucket, close } = await temporaryStore()
    const sizes = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(65_535, 65_536, 65_537, 131_072, 600_000),
    )
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
        const body = randomBytes(size)
        await store.put(bucket, 'k', body)
        const [first, last] = [a % size, b % size].toSorted((x, y) => x - y) as [number, number]
        const got = await store.get(bucket, 'k', { first, last })
        assert.ok((await bytesOf(got.body)).equals(body.subarray(first, last + 1)))
      }),
      { numRuns: 60 },
    )
    await close()
  })

  it('takes streams in pieces of any size, and nothing of one that fails', async () => {
    const { folder, store, bucket, close } = await temporaryStore()
    const pieces = [1, 65_535, 65_536, 65_537, 3, 0, 200_000].map((size) => randomBytes(size))
    await store.objects.put(bucket, 'k', Readable.from(pieces), PLAIN)
    assert.ok((await bytesOf((await store.get(bucket, 'k')).body)).equals(Buffer.concat(pieces)))
    const before = await contentFiles(folder)
    const failing = async function* () {
      yield randomBytes(100_000)
      throw new Error('the client went away')
    }
    await assert.rejects(store.objects.put(bucket, 'k', failing(), PLAIN), /went away/)
    const check = () => {
      throw new Error('wrong digest')
    }
    const body = Readable.from([randomBytes(10)])
    await assert.rejects(store.objects.put(bucket, 'k', body, { ...PLAIN, check }), /wrong digest/)
    assert.deepEqual(await contentFiles(folder), before)
    assert.equal((await store.head(bucket, 'k'))?.size, Buffer.concat(pieces).length)
    await close()
  })

  it('never touches the file system outside its folder, whatever the key', async () => {
    const { folder, store, bucket, close } = await temporaryStore()
    const keys = [
      '../../escape',
      '/etc/passwd',
      '..',
      '.',
      'a//b',
      'nul\0byte',
      '\n',
      'x'.repeat(1024),
    ]
    for (const key of keys) await store.put(bucket, key, Buffer.from(key))
    for (const key of keys) {
      assert.equal((await bytesOf((await store.get(bucket, key)).body)).toString(), key)
    }
    const listed = await store.list(bucket, { limit: 100 })
    assert.deepEqual(
      listed.map(({ key }) => key),
      keys.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b))),
    )
    for (const file of await contentFiles(folder)) {
      assert.match(file.slice(folder.length), /^\/content\/[0-9a-f]{2}\/[0-9a-f]{12}-[0-9a-f]{24}$/)
    }
    for (const key of ['', 'x'.repeat(1025), '\ud800']) {
      await assert.rejects(store.put(bucket, key, Buffer.from('x')), /key/)
    }
    await close()
  })

  it('notices content that was cut, altered or swapped', async () => {
    const { folder, store, bucket, close } = await temporaryStore()
    const damage: Record<string, (path: string, other: string) => Promise<void>> = {
      cut: (path) => truncate(path, 68 + 65_536 + 28),
      altered: async (path) => {
        const bytes = await readFile(path)
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
        await writeFile(path, bytes)
      },
      reordered: async (path) => {
        const bytes = await readFile(path)
        const [head, a, b, rest] = [
          bytes.subarray(0, 68),
          bytes.subarray(68, 68 + 65_564),
          bytes.subarray(68 + 65_564, 68 + 2 * 65_564),
          bytes.subarray(68 + 2 * 65_564),
        ]
        await writeFile(path, Buffer.concat([head, b, a, rest]))
      },
      swapped: async (path, other) => {
        await rename(path, join(dirname(path), 'keep'))
        await writeFile(path, await readFile(other))
      },
    }
    for (const [name, harm] of Object.entries(damage)) {
      await store.put(bucket, 'other', randomBytes(150_000))
      const before = new Set(await contentFiles(folder))
      const [other = ''] = before
      await store.put(bucket, name, randomBytes(150_000))
      const path = (await contentFiles(folder)).find((file) => !before.has(file)) ?? ''
      await harm(path, other)
      const read = async () => bytesOf((await store.get(bucket, name)).body)
      await assert.rejects(read, { code: 'failed', message: /damaged/ }, name)
    }
    await close()
  })

  it('removes the files of what was replaced or removed', async () => {
    const { folder, store, bucket } = await temporaryStore()
    for (let n = 0; n < 5; n++) await store.put(bucket, 'k', randomBytes(10))
    await store.put(bucket, 'gone', randomBytes(10))
    await store.remove(bucket, 'gone')
    await store.close()
    assert.equal((await contentFiles(folder)).length, 1)
    const again = await openTestStore(folder)
    assert.equal((await again.list(bucket, { limit: 10 })).length, 1)
    await again.close()
    await rm(folder, { recursive: true })
  })

  it('finishes a read that began before the object was replaced', async () => {
    const { store, bucket, close } = await temporaryStore()
    const old = randomBytes(2_000_000)
    await store.put(bucket, 'k', old)
    const { body } = await store.get(bucket, 'k')
    await store.put(bucket, 'k', randomBytes(10))
    assert.ok((await bytesOf(body)).equals(old))
    await close()
  })

  it('leaves the files of multipart objects to slow readers for an hour', async () => {
    const folder = await temporaryFolder()
    let now = 1_000
    const clock = { ...systemClock, now: () => now }
    const store = await openFileObjectStore(folder, {
      ...{ master: TEST_MASTER_KEY, clock, logger: silentLogger },
    })
    await store.buckets.create({ name: 'b', account: TEST_ACCOUNT, region: 'x', settings: {} })
    const upload = await store.uploads.create('b', 'k', { ...PLAIN, initiator: TEST_ACCOUNT })
    const pieces = [randomBytes(100_000), randomBytes(100_000), randomBytes(5)]
    for (const [index, piece] of pieces.entries()) {
      await store.uploads.putPart('b', upload, 2 * index + 1, Readable.from([piece]), {})
    }
    const decide = () => ({ numbers: [1, 5], etag: '"x-2"' })
    const object = await store.uploads.complete('b', 'k', upload.id, decide)
    assert.equal(object.size, 100_005)
    const { parts } = store.objects.parts('b', 'k')
    assert.deepEqual(
      parts.map(({ number, size }) => [number, size]),
      [
        [1, 100_000],
        [2, 5],
      ],
    )
    const { body } = await store.get('b', 'k')
    await store.remove('b', 'k')
    const read = Buffer.concat([pieces[0] ?? Buffer.alloc(0), pieces[2] ?? Buffer.alloc(0)])
    assert.ok((await bytesOf(body)).equals(read))
    now += 3_600_001
    await store.remove('b', 'absent')
    await store.close()
    assert.deepEqual(await contentFiles(folder), [])
    await rm(folder, { recursive: true })
  })

  it('sweeps nothing while the opener lives, and closes with a body under way', async () => {
    const { folder, store, bucket } = await temporaryStore()
    const slowBody = () => {
      const [started, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const body = async function* () {
        yield randomBytes(100_000)
        started.resolve()
        await go.promise
        yield randomBytes(100_000)
      }
      return { body: body(), started: started.promise, go: go.resolve }
    }
    const first = slowBody()
    const under = store.objects.put(bucket, 'slow', first.body, PLAIN)
    await first.started
    const other = await openTestStore(folder)
    await other.swept
    first.go()
    await under
    assert.equal((await other.head(bucket, 'slow'))?.size, 200_000)
    const second = slowBody()
    const failed = assert.rejects(store.objects.put(bucket, 'cut', second.body, PLAIN), /closed/)
    await second.started
    await store.close()
    second.go()
    await failed
    await other.close()
    assert.equal((await contentFiles(folder)).length, 1)
    await rm(folder, { recursive: true })
  })

  it('refuses another master key', async () => {
    const { folder, store, bucket } = await temporaryStore()
    await store.put(bucket, 'k', randomBytes(10))
    await store.close()
    const open = (fill: number) =>
      openFileObjectStore(folder, {
        master: masterKeyOf(Buffer.alloc(32, fill)),
        clock: systemClock,
        logger: silentLogger,
      })
    await assert.rejects(open(8), { code: 'wrong-key' })
    await rm(folder, { recursive: true })
  })

  it('keeps buckets apart, and a new bucket from the old one of the same name', async () => {
    const folder = await temporaryFolder()
    const store = await openTestStore(folder)
    const bucket = (name: string, account: string) =>
      store.buckets.create({ name, account, region: 'us-east-1', settings: {} })
    assert.equal((await bucket('one', TEST_ACCOUNT)).created, true)
    assert.equal((await bucket('one', '999999999999')).created, false)
    await bucket('two', '999999999999')
    await store.put('one', 'k', Buffer.from('x'))
    assert.deepEqual(
      store.buckets.list(TEST_ACCOUNT, { limit: 10 }).map(({ name }) => name),
      ['one'],
    )
    await assert.rejects(store.buckets.remove('one'), { code: 'bucket-not-empty' })
    await store.remove('one', 'k')
    await store.buckets.remove('one')
    await bucket('one', '999999999999')
    assert.deepEqual(await store.list('one', { limit: 10 }), [])
    await store.close()
    await rm(folder, { recursive: true })
  })
})
