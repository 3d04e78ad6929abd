import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { masterKeyOf } from '../../../platform/encryption.ts'
import { createFingerprint, FINGERPRINT_BYTES } from './fingerprint.ts'
import { destinationName, HISTORY, openImportStore } from './import-store.ts'
import { RepeatIndex } from './repeat-index.ts'
import { RepeatTable } from './repeat-table.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'clew-repeats-'))
})
after(() => rmSync(root, { recursive: true }))

/** A fingerprint of small numbers, so that ids collide in the table and repeat. */
const print = (id: number, text: number): Buffer => {
  const bytes = Buffer.alloc(FINGERPRINT_BYTES)
  bytes.writeInt32LE(id, 0)
  bytes.writeInt32LE(text, 8)
  return bytes
}

describe('the table of repeats', () => {
  it('agrees with a plain set of texts by id', () => {
    const steps = fc.array(fc.tuple(fc.nat(40), fc.nat(3), fc.nat(2)), { maxLength: 1_500 })
    fc.assert(
      fc.property(steps, (all) => {
        const table = new RepeatTable()
        const here = new Set<string>()
        const known = new Map<number, Set<number>>()
        for (const [small, text, how] of all) {
          const id = small * 256 // the same slots in a small table
          const key = `${id}/${text}`
          const texts = known.get(id) ?? new Set()
          known.set(id, texts)
          if (how === 0) {
            table.load(print(id, text), false)
          } else {
            const found = table.add(print(id, text), 0)
            const isNew = texts.size === 0 || texts.has(text) ? 'new' : 'changed'
            assert.equal(found, here.has(key) ? 'repeat' : isNew)
            here.add(key)
          }
          texts.add(text)
        }
      }),
      { numRuns: 50 },
    )
  })
})

it('looks at a few slots only, however many texts have one eventID', () => {
  const table = new RepeatTable()
  const events = 20_000
  const texts = randomBytes(events * FINGERPRINT_BYTES)
  for (let n = 0; n < events; n++) texts.write('one id..', n * FINGERPRINT_BYTES, 'latin1')
  for (let n = 0; n < events; n++) {
    assert.equal(table.add(texts, n * FINGERPRINT_BYTES), n === 0 ? 'new' : 'changed')
  }
  for (let n = 0; n < events; n++) assert.equal(table.add(texts, n * FINGERPRINT_BYTES), 'repeat')
  assert.ok(table.looks < events * 2 * 4, `${table.looks} looks`)
})

describe('the index of repeats', () => {
  it('knows what earlier runs and other destinations imported, also in hours that it let go', async () => {
    const store = await openImportStore(join(root, 'index'))
    try {
      const trail = store.destination('arn:trail/a')
      assert.equal(store.destination('arn:trail/a'), trail)
      const incarnations = ['1', '2'].map((incarnation) =>
        store.destination(destinationName({ arn: 'arn:trail/a', incarnation })),
      )
      assert.equal(new Set([...incarnations, trail, HISTORY]).size, 4, 'created anew: another one')
      const note = (destination: number, hour: number, fingerprints: Buffer): void => {
        const frame = { shard: 0, head: 0, digest: 'd', events: 1 }
        const frames = [{ ...frame, hours: new Map([[hour, fingerprints]]) }]
        store.confirm([store.note(destination, { frames, files: [] }, [])])
      }
      note(trail, 1, print(1, 1))
      note(HISTORY, 2, print(2, 1))
      const plain = new RepeatIndex(store, HISTORY)
      assert.equal(plain.add(1, print(1, 1), 0), 'repeat', 'what was delivered is in the history')
      assert.equal(plain.add(1, print(1, 2), 0), 'changed')
      const delivering = new RepeatIndex(store, trail, 0)
      for (let hour = 10; hour < 20; hour++) delivering.add(hour, print(hour, 1), 0)
      delivering.trim()
      assert.equal(delivering.add(1, print(1, 1), 0), 'repeat')
      assert.equal(delivering.add(2, print(2, 1), 0), 'new', 'the history alone has it')
    } finally {
      store.close()
    }
  })

  it('cannot be asked by one who does not hold the key', () => {
    const event = { eventId: randomBytes(8).toString('hex'), text: Buffer.from('{"a":1}') }
    const [one, other] = [7, 8].map((fill) => {
      const target = Buffer.alloc(FINGERPRINT_BYTES)
      createFingerprint(masterKeyOf(Buffer.alloc(32, fill)))(event, target, 0)
      return target.toString('hex')
    })
    assert.notEqual(one, other)
  })
})
