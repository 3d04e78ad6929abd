/** What every ObjectStore must do. Called from the test of each implementation. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type ObjectStore, ObjectStoreError } from '../../src/outlets/object-store.ts'

export interface ObjectStoreFixture {
  readonly store: ObjectStore
  /** A bucket that exists, empty, owned by 123456789012 in eu-west-1. */
  readonly bucket: string
  close(): Promise<void>
}

const bytesOf = async (body: Readable): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const failsWith = (code: ObjectStoreError['code']) => (error: unknown) =>
  error instanceof ObjectStoreError && error.code === code

export const objectStoreContract = (make: () => Promise<ObjectStoreFixture>): void => {
  describe('ObjectStore contract', () => {
    let fixture: ObjectStoreFixture
    let store: ObjectStore
    let bucket: string
    beforeEach(async () => {
      fixture = await make()
      store = fixture.store
      bucket = fixture.bucket
    })
    afterEach(() => fixture.close())

    it('says who owns a bucket and where it lies', async () => {
      const facts = await store.bucket(bucket)
      assert.deepEqual(facts, { name: bucket, account: '123456789012', region: 'eu-west-1' })
      assert.equal(await store.bucket('no-such-bucket-here'), undefined)
    })

    it('returns the bytes and facts that were put', async () => {
      const body = randomBytes(200_000)
      const put = await store.put(bucket, 'AWSLogs/1/x.json.gz', body, {
        contentType: 'application/json',
        contentEncoding: 'gzip',
        metadata: { Signature: 'abc', 'signature-algorithm': 'SHA256withRSA' },
      })
      assert.equal(put.size, body.length)
      assert.equal(put.etag, `"${createHash('md5').update(body).digest('hex')}"`)
      assert.equal(put.contentType, 'application/json')
      assert.equal(put.contentEncoding, 'gzip')
      assert.deepEqual(put.metadata, {
        signature: 'abc',
        'signature-algorithm': 'SHA256withRSA',
      })
      assert.deepEqual(await store.head(bucket, 'AWSLogs/1/x.json.gz'), put)
      const got = await store.get(bucket, 'AWSLogs/1/x.json.gz')
      assert.deepEqual(got.facts, put)
      assert.ok((await bytesOf(got.body)).equals(body))
    })

    it('keeps empty objects whose key ends with a slash', async () => {
      await store.put(bucket, 'AWSLogs/1/CloudTrail/', Buffer.alloc(0))
      const { facts, body } = await store.get(bucket, 'AWSLogs/1/CloudTrail/')
      assert.equal(facts.size, 0)
      assert.equal((await bytesOf(body)).length, 0)
    })

    it('replaces an object whole', async () => {
      await store.put(bucket, 'k', Buffer.from('first, longer'), { metadata: { a: '1' } })
      await store.put(bucket, 'k', Buffer.from('second'))
      const { facts, body } = await store.get(bucket, 'k')
      assert.equal((await bytesOf(body)).toString(), 'second')
      assert.deepEqual(facts.metadata, {})
    })

    it('returns the range that was asked for', async () => {
      const body = randomBytes(150_000)
      await store.put(bucket, 'k', body)
      for (const [first, last] of [
        [0, 0],
        [65_535, 65_536],
        [10, 149_999],
        [149_999, 400_000],
      ] as const) {
        const got = await store.get(bucket, 'k', { first, last })
        assert.ok((await bytesOf(got.body)).equals(body.subarray(first, last + 1)))
      }
      await assert.rejects(
        store.get(bucket, 'k', { first: 150_000, last: 150_001 }),
        ObjectStoreError,
      )
    })

    it('puts under conditions', async () => {
      const first = await store.put(bucket, 'k', Buffer.from('1'), { ifNoneMatch: '*' })
      await assert.rejects(
        store.put(bucket, 'k', Buffer.from('2'), { ifNoneMatch: '*' }),
        failsWith('precondition-failed'),
      )
      await assert.rejects(
        store.put(bucket, 'k', Buffer.from('2'), { ifMatch: '"0"' }),
        failsWith('precondition-failed'),
      )
      await store.put(bucket, 'k', Buffer.from('2'), { ifMatch: first.etag })
      await assert.rejects(
        store.put(bucket, 'absent', Buffer.from('2'), { ifMatch: first.etag }),
        failsWith('no-such-key'),
      )
      assert.equal((await bytesOf((await store.get(bucket, 'k')).body)).toString(), '2')
    })

    it('lets one of many conditional puts win', async () => {
      const attempts = Array.from({ length: 8 }, (_, n) =>
        store.put(bucket, 'k', Buffer.from(String(n)), { ifNoneMatch: '*' }).then(
          () => n,
          () => undefined,
        ),
      )
      const winners = (await Promise.all(attempts)).filter((n) => n !== undefined)
      assert.equal(winners.length, 1)
      const { body } = await store.get(bucket, 'k')
      assert.equal((await bytesOf(body)).toString(), String(winners[0]))
    })

    it('lists keys by their bytes', async () => {
      const keys = ['a', 'a/', 'a/b', 'a0', 'b', '\u{1F600}', '\uFFFD', 'é', ' ', 'Z', '..', '/x']
      for (const key of keys) await store.put(bucket, key, Buffer.from(key))
      const sorted = keys.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))
      const list = async (options: { prefix?: string; after?: string; limit: number }) =>
        (await store.list(bucket, options)).map(({ key }) => key)
      assert.deepEqual(await list({ limit: 100 }), sorted)
      assert.deepEqual(await list({ limit: 3 }), sorted.slice(0, 3))
      assert.deepEqual(await list({ prefix: 'a/', limit: 100 }), ['a/', 'a/b'])
      assert.deepEqual(await list({ after: 'a/', prefix: 'a', limit: 100 }), ['a/b', 'a0'])
      assert.deepEqual(await list({ after: 'a/!', limit: 2 }), ['a/b', 'a0'])
      assert.deepEqual(await list({ prefix: 'none', limit: 2 }), [])
    })

    it('removes objects, and what is absent without complaint', async () => {
      await store.put(bucket, 'k', Buffer.from('x'))
      await store.remove(bucket, 'k')
      await store.remove(bucket, 'k')
      assert.equal(await store.head(bucket, 'k'), undefined)
      await assert.rejects(store.get(bucket, 'k'), failsWith('no-such-key'))
    })

    it('refuses buckets that do not exist', async () => {
      const missing = 'no-such-bucket-here'
      await assert.rejects(store.put(missing, 'k', Buffer.from('x')), failsWith('no-such-bucket'))
      await assert.rejects(store.get(missing, 'k'), failsWith('no-such-bucket'))
      await assert.rejects(store.head(missing, 'k'), failsWith('no-such-bucket'))
      await assert.rejects(store.list(missing, { limit: 1 }), failsWith('no-such-bucket'))
      await assert.rejects(store.remove(missing, 'k'), failsWith('no-such-bucket'))
    })
  })
}
