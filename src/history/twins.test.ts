import assert from 'node:assert/strict'
import { it, mock } from 'node:test'
import { allPages, entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import type { SealedEvent } from '../event/sealed-event.ts'
import type { HistoryQuery } from './history.ts'
import { BlockReader } from './partition/block-reader.ts'
import { KnownTexts } from './partition/known-texts.ts'
import { startFolderHistory } from './testing/folder-history.ts'

const PER_BATCH = 1_200
const TWINS_READ_MAX = 1_000

const twins = (from: number): SealedEvent[] =>
  Array.from({ length: PER_BATCH }, (_, n) => {
    const event = eventOf({ id: 'twin', time: NOW })
    const text = Buffer.from(`${event.text.subarray(0, -1).toString()},"n":${from + n}}`)
    return { ...event, text }
  })

it('takes any number of events with one eventID: none is lost, few are read again', async () => {
  const reads = mock.method(BlockReader.prototype, 'eventAt')
  const rig = await startFolderHistory({ now: NOW })
  try {
    const query: HistoryQuery = {
      ...{ category: 'Management', from: 0, to: Number.MAX_SAFE_INTEGER, limit: 50 },
      attributes: [{ key: 'EventId', value: 'twin' }],
    }
    await rig.consume(0, [entryOf(0, 1, twins(0).slice(0, 500))])
    await rig.consume(0, [entryOf(0, 2, twins(0).slice(0, 700))])
    assert.equal(reads.mock.callCount(), 500, 'each stored one once, not once an event')
    assert.equal((await allPages(rig.history, query)).length, 700, 'repeats are dropped')
    reads.mock.resetCalls()
    for (const n of [1, 2, 3]) await rig.consume(0, [entryOf(0, 2 + n, twins(n * PER_BATCH))])
    assert.ok(reads.mock.callCount() <= 3 * TWINS_READ_MAX, `${reads.mock.callCount()} reads`)
    const found = await allPages(rig.history, query)
    assert.equal(new Set(found.map((each) => JSON.stringify(each))).size, 700 + 3 * PER_BATCH)
    assert.equal(found.length, 700 + 3 * PER_BATCH)
  } finally {
    reads.mock.restore()
    await rig.remove()
  }
})

it('tells repeats and changes of an eventID, few or many, beside another of the same key', () => {
  const known = new KnownTexts()
  const make = (eventId: string, n: number) => ({
    ...eventOf({ id: eventId, time: NOW }),
    ...{ shard: 0, sequence: 1, index: n, text: Buffer.from(`{"n":${n}}`) },
  })
  for (let n = 0; n < 20; n++) {
    assert.equal(known.find(make('a', n)), n === 0 ? 'new' : 'changed')
    known.remember(make('a', n))
    for (let old = 0; old <= n; old++) assert.equal(known.find(make('a', old)), 'repeat')
    assert.equal(known.find(make('b', 0)), 'new')
  }
  known.remember(make('b', 0))
  assert.equal(known.find(make('b', 0)), 'repeat')
  assert.equal(known.find(make('b', 1)), 'changed')
})
