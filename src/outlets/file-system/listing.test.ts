import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { rollUp, successorOf } from './roll-up.ts'
import { temporaryStore } from './testing/temporary-store.ts'

/** The obvious listing: sorts everything, cuts with strings, never skips. */
const slowList = (
  keys: readonly string[],
  query: { prefix: string; delimiter: string; after: string; limit: number },
) => {
  const after = Buffer.from(query.after)
  const entries = new Map<string, 'key' | 'prefix'>()
  for (const key of keys.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))) {
    if (!key.startsWith(query.prefix)) continue
    const at = query.delimiter === '' ? -1 : key.indexOf(query.delimiter, query.prefix.length)
    const entry = at < 0 ? key : key.slice(0, at + query.delimiter.length)
    if (Buffer.from(key).compare(after) <= 0 || Buffer.from(entry).compare(after) <= 0) continue
    entries.set(at < 0 ? `k${key}` : `p${entry}`, at < 0 ? 'key' : 'prefix')
  }
  const all = [...entries].map(([name, kind]) => [kind, name.slice(1)])
  return { entries: all.slice(0, query.limit), truncated: all.length > query.limit }
}

const piece = fc.constantFrom('a', 'b', '/', '//', '-', 'é', '\u{1F600}', '\uFFFD', ' ', '\n', '0')
const text = (max: number) => fc.array(piece, { maxLength: max }).map((pieces) => pieces.join(''))

describe('listing', () => {
  it('equals the obvious model, pages included', async () => {
    const { store, bucket, close } = await temporaryStore()
    let present: string[] = []
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          text(6).filter((key) => key !== ''),
          { maxLength: 25 },
        ),
        text(2),
        fc.constantFrom('', '/', '//', 'a', 'é', '/a'),
        text(3),
        fc.integer({ min: 1, max: 6 }),
        async (keys, prefix, delimiter, after, limit) => {
          if (present.length > 0) await store.objects.remove(bucket, present)
          await Promise.all(keys.map((key) => store.put(bucket, key, Buffer.alloc(0))))
          present = keys
          let marker = after
          for (let page = 0; page < 40; page++) {
            const query = { prefix, delimiter, after: marker, limit }
            const got = store.objects.list(bucket, query)
            const shown = got.entries.map((entry) =>
              'object' in entry ? ['key', entry.object.key] : ['prefix', entry.commonPrefix],
            )
            assert.deepEqual({ entries: shown, truncated: got.truncated }, slowList(keys, query))
            if (!got.truncated) return
            marker = shown.at(-1)?.[1] ?? ''
          }
          assert.fail('the pages do not end')
        },
      ),
      { numRuns: 60 },
    )
    await close()
  })

  it('jumps over a common prefix instead of reading it', () => {
    const keys = Array.from({ length: 50_000 }, (_, n) => `a/${String(n).padStart(6, '0')}`)
    const rows = [...keys, 'b'].map((key) => ({ key: Buffer.from(key) }))
    let read = 0
    const { entries } = rollUp({
      prefix: Buffer.alloc(0),
      delimiter: Buffer.from('/'),
      start: { from: Buffer.alloc(0) },
      prefixesAfter: Buffer.alloc(0),
      limit: 10,
      scan: (position, limit) => {
        const from = 'from' in position ? position.from : position.behind.key
        const found = rows
          .filter(({ key }) => key.compare(from) >= ('from' in position ? 0 : 1))
          .slice(0, limit)
        read += found.length
        return found
      },
    })
    assert.equal(entries.length, 2)
    assert.ok(read < 100, `${read} rows were read`)
  })

  it('finds the least string behind all that begin alike', () => {
    assert.deepEqual(successorOf(Buffer.from([1, 0xff, 0xff])), Buffer.from([2]))
    assert.equal(successorOf(Buffer.from([0xff])), undefined)
    assert.equal(successorOf(Buffer.alloc(0)), undefined)
  })
})
