import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryDocuments } from '../testing/memory-documents.ts'
import { HOUR, START, trailOf } from '../testing/world.ts'
import { SNAPSHOTS_KEPT, type Snapshot, Timeline } from './timeline.ts'

const open = async (documents: MemoryDocuments, floor: number, now = START) => {
  const timeline = new Timeline(documents, 0, () => now)
  return { timeline, held: await timeline.load(floor) }
}

const change = async (
  timeline: Timeline,
  sequence: number,
  changes: Parameters<typeof trailOf>[0],
  kind: 'put' | 'delete' = 'put',
  floor = 0,
): Promise<Snapshot | undefined> => {
  const trail = trailOf(changes)
  const next = timeline.successor(sequence, { kind, trail, eventId: `call-${sequence}` })
  if (next !== undefined) await timeline.advance(next, floor)
  return next
}

describe('timeline', () => {
  it('knows at every cursor what held there', async () => {
    const documents = new MemoryDocuments()
    const { timeline } = await open(documents, 0)
    await change(timeline, 3, { revision: 1 })
    await change(timeline, 7, { revision: 2, isLogging: true })
    await change(timeline, 12, { revision: 3 })
    const heldAt = async (floor: number) =>
      (await open(documents, floor)).held.map(({ trail }) => trail.revision)
    assert.deepEqual(await heldAt(2), [])
    assert.deepEqual(await heldAt(3), [1])
    assert.deepEqual(await heldAt(11), [2])
    assert.deepEqual(await heldAt(12), [3])
    assert.equal((await documents.list('delivery/timeline/0/')).length, 1, 'older forms are gone')
  })

  it('ignores what it has seen, and everything behind a deletion', async () => {
    const { timeline } = await open(new MemoryDocuments(), 0)
    assert.ok(await change(timeline, 1, { revision: 2, isLogging: true }))
    assert.equal(await change(timeline, 2, { revision: 2, isLogging: true }), undefined)
    assert.equal(await change(timeline, 3, { revision: 1 }), undefined)
    const gone = await change(timeline, 4, { revision: 3, isLogging: true }, 'delete')
    assert.equal(gone?.ends, true)
    assert.equal(await change(timeline, 5, { revision: 9, isLogging: true }), undefined)
    assert.ok(await change(timeline, 6, { revision: 1, incarnation: 'other' }))
  })

  it('takes replayed changes again without storing them twice', async () => {
    const documents = new MemoryDocuments()
    const first = await open(documents, 0)
    await change(first.timeline, 1, { revision: 1, isLogging: true })
    await change(first.timeline, 2, { revision: 2 })
    const { timeline, held } = await open(documents, 0)
    assert.deepEqual(held, [])
    assert.equal((await change(timeline, 1, { revision: 1, isLogging: true }))?.ends, false)
    assert.equal((await change(timeline, 2, { revision: 2 }))?.ends, true)
    assert.equal((await documents.list('delivery/timeline/')).length, 2)
  })

  it('forgets old forms while it runs, and deleted trails after a month', async () => {
    const documents = new MemoryDocuments()
    const { timeline } = await open(documents, 0)
    for (let revision = 1; revision <= 3 * SNAPSHOTS_KEPT; revision++) {
      await change(timeline, revision, { revision }, 'put', revision - 1)
    }
    assert.ok(timeline.stored('incarnation-1') <= SNAPSHOTS_KEPT + 1)
    await change(timeline, 100, { revision: 99 }, 'delete')
    assert.equal((await open(documents, 100)).held.length, 1)
    assert.equal((await open(documents, 100, START + 31 * 24 * HOUR)).held.length, 0)
    assert.equal((await documents.list('delivery/timeline/')).length, 0)
  })
})
