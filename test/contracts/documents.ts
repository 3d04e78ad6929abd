import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Documents, DocumentsError } from '../../src/documents/documents.ts'

/** Two handles on the same documents, as two processes have them. */
export interface DocumentsPair {
  readonly one: Documents
  readonly other: Documents
  /** Closes both handles and opens them again. */
  reopen(): Promise<DocumentsPair>
  remove(): Promise<void>
}

const withCode = (code: DocumentsError['code']) => (error: unknown) =>
  error instanceof DocumentsError && error.code === code

/** Resolves with the next key that `start` sees change; a watch by itself keeps no process alive. */
const nextChange = (documents: Documents, prefix: string): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const deadline = setTimeout(reject, 10_000, new Error(`Nothing changed below ${prefix}.`))
  const watch = documents.watch(prefix, (key) => {
    clearTimeout(deadline)
    watch[Symbol.dispose]()
    resolve(key)
  })
  return promise
}

/** A handle may live in another process of the test: its answer says that the watch stands there. */
const armed = async (documents: Documents): Promise<void> => {
  await documents.get('nothing')
}

/** What every implementation of `Documents` must satisfy. */
export const documentsContract = (name: string, create: () => Promise<DocumentsPair>): void => {
  const using = (title: string, body: (pair: DocumentsPair) => Promise<void>): void => {
    it(title, async () => {
      const pair = await create()
      try {
        await body(pair)
      } finally {
        await pair.remove()
      }
    })
  }

  describe(`documents: ${name}`, () => {
    using('gives back what was put, to every handle', async ({ one, other }) => {
      const value = { name: 'trail ü', list: [1, 2.5, null], nested: { yes: true } }
      const revision = await one.put('trails/a', value, 'absent')
      const expected = { key: 'trails/a', value, revision }
      assert.deepEqual(await one.get('trails/a'), expected)
      assert.deepEqual(await other.get('trails/a'), expected)
      assert.equal(await other.get('trails/b'), undefined)
    })

    using('compares and sets', async ({ one, other }) => {
      const first = await one.put('k', 1, 'absent')
      await assert.rejects(other.put('k', 2, 'absent'), withCode('conflict'))
      const second = await other.put('k', 2, first)
      assert.notEqual(second, first)
      await assert.rejects(one.put('k', 3, first), withCode('conflict'))
      await assert.rejects(one.put('none', 3, first), withCode('conflict'))
      await assert.rejects(one.remove('k', first), withCode('conflict'))
      assert.equal((await one.get('k'))?.value, 2)
      await one.put('k', 4, 'any')
      assert.equal((await other.get('k'))?.value, 4)
    })

    using('lets exactly one of many concurrent writers win', async ({ one, other }) => {
      const start = await one.put('k', 'start', 'absent')
      const tries = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).put('k', index, start)),
      )
      assert.equal(tries.filter((each) => each.status === 'fulfilled').length, 1)
    })

    using('never uses a revision again, also after remove', async ({ one, other }) => {
      const seen = new Set<number>()
      for (let round = 0; round < 5; round++) {
        seen.add(await one.put('k', 'same', 'absent'))
        await other.remove('k', 'any')
        assert.equal(await one.get('k'), undefined)
      }
      assert.equal(seen.size, 5)
      const [stale] = seen
      await one.put('k', 'same', 'absent')
      await assert.rejects(one.put('k', 'new', stale ?? 0), withCode('conflict'))
    })

    using('removes what is absent without error, unless it was expected', async ({ one }) => {
      await one.remove('k', 'any')
      await assert.rejects(one.remove('k', 7), withCode('conflict'))
    })

    using('lists a prefix in byte order', async ({ one, other }) => {
      for (const key of ['a/2', 'a/10', 'a/ü', 'a/z', 'a', 'b/1', 'a/\u{1f600}', 'A/1']) {
        await one.put(key, key, 'absent')
      }
      await one.put('a/gone', 1, 'absent')
      await one.remove('a/gone', 'any')
      const keys = (await other.list('a/')).map((document) => document.key)
      assert.deepEqual(keys, ['a/10', 'a/2', 'a/z', 'a/ü', 'a/\u{1f600}'])
      assert.equal((await other.list('')).length, 8)
    })

    using('tells watchers of both handles about changes and removals', async ({ one, other }) => {
      await one.put('w/before', 1, 'absent')
      const puts = [nextChange(one, 'w/'), nextChange(other, 'w/')]
      await armed(other)
      await one.put('elsewhere', 1, 'absent')
      await one.put('w/a', 1, 'absent')
      assert.deepEqual(await Promise.all(puts), ['w/a', 'w/a'])
      const removals = [nextChange(one, 'w/'), nextChange(other, 'w/')]
      await armed(other)
      await one.remove('w/before', 'any')
      assert.deepEqual(await Promise.all(removals), ['w/before', 'w/before'])
    })

    using('stops telling a disposed watcher', async ({ one, other }) => {
      const seen: string[] = []
      const watch = other.watch('w/', (key) => seen.push(key))
      watch[Symbol.dispose]()
      const later = nextChange(other, 'w/')
      await armed(other)
      await one.put('w/a', 1, 'absent')
      await later
      assert.deepEqual(seen, [])
    })

    using('refuses documents that are too large', async ({ one }) => {
      await assert.rejects(one.put('k', 'x'.repeat(1_100 * 1024), 'any'), withCode('too-large'))
      await assert.rejects(one.put('k'.repeat(2_000), 1, 'any'), withCode('too-large'))
      await one.put('k', 'x'.repeat(200 * 1024), 'any')
    })

    using('keeps documents and revisions over a restart', async (pair) => {
      const revision = await pair.one.put('k', 'kept', 'absent')
      const again = await pair.reopen()
      assert.deepEqual(await again.other.get('k'), { key: 'k', value: 'kept', revision })
      assert.notEqual(await again.one.put('l', 1, 'absent'), revision)
      await again.remove()
    })

    using('rejects everything once closed', async ({ one }) => {
      await one.close()
      await one.close()
      await assert.rejects(one.get('k'), withCode('closed'))
      await assert.rejects(one.put('k', 1, 'any'), withCode('closed'))
    })
  })
}
