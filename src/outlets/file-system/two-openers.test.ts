import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FileObjectStore } from './file-object-store.ts'
import { streamOf } from './objects.ts'
import { openTestStore, type TemporaryStore, temporaryStore } from './testing/temporary-store.ts'

const DESCRIPTION = { headers: {}, metadata: {}, tags: [], storageClass: 'STANDARD' }

const contentOf = async (store: FileObjectStore, bucket: string, key: string): Promise<string> => {
  const { body } = await store.objects.read(bucket, key, () => undefined)
  const parts: Buffer[] = []
  for await (const part of streamOf(body)) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

describe('a store that another process writes to', () => {
  let temporary: TemporaryStore
  let other: FileObjectStore
  before(async () => {
    temporary = await temporaryStore()
    other = await openTestStore(temporary.folder)
  })
  after(async () => {
    await other.close()
    await temporary.close()
  })

  const put = (key: string, text: string) =>
    other.objects.put(
      temporary.bucket,
      key,
      (async function* () {
        yield Buffer.from(text)
      })(),
      DESCRIPTION,
    )

  it('shows the settings of a bucket as they are now', async () => {
    const { store, bucket } = temporary
    const policyOf = () => store.buckets.require(bucket).settings.policy
    for (const policy of ['{"a":1}', '{"a":2}', undefined, '{"a":1}']) {
      await other.buckets.update(bucket, ({ policy: _, ...rest }) => ({
        ...rest,
        ...(policy !== undefined && { policy }),
      }))
      assert.equal(policyOf(), policy)
      assert.equal(policyOf(), policy)
    }
  })

  it('shows an object as it is now, and none that was removed', async () => {
    const { store, bucket } = temporary
    for (const text of ['one', 'two', 'three']) {
      await put('key', text)
      assert.equal(await contentOf(store, bucket, 'key'), text)
    }
    await other.objects.remove(bucket, ['key'])
    await assert.rejects(contentOf(store, bucket, 'key'), { code: 'no-such-key' })
  })

  it('shows nothing of a bucket that was removed and made again', async () => {
    const { store, bucket } = temporary
    const { account, region } = store.buckets.require(bucket)
    await other.buckets.update(bucket, (settings) => ({ ...settings, policy: '{}' }))
    assert.equal(store.buckets.require(bucket).settings.policy, '{}')
    await other.buckets.remove(bucket)
    await assert.rejects(contentOf(store, bucket, 'key'), { code: 'no-such-bucket' })
    await other.buckets.create({ name: bucket, account, region, settings: {} })
    assert.equal(store.buckets.require(bucket).settings.policy, undefined)
    await assert.rejects(contentOf(store, bucket, 'key'), { code: 'no-such-key' })
  })
})
