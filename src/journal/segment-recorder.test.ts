import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FaultyDisk } from '../../test/faults/journal-disk.ts'
import { FRAME_GROUP_BYTES_MAX, FRAME_TEXT_BYTES_MAX } from './frame-codec.ts'
import { type Journal, JournalError } from './journal.ts'
import { shardOf } from './shard.ts'
import { eventOf, framesOf, openStation, textsOf } from './testing/harness.ts'

const failJournalSync = (disk: FaultyDisk): void => {
  disk.fault = (call) =>
    call.name === 'fdatasync' && call.path.startsWith('/journal') ? 'error' : undefined
}

describe('recorder', () => {
  it('groups what comes at once into one frame per shard, with every byte', async () => {
    const station = await openStation(new FaultyDisk(), { shards: 3 })
    const events = Array.from({ length: 90 }, (_, index) =>
      eventOf(`{"n":${index}.0}`, { region: `region-${index % 9}`, category: 'Data' }),
    )
    await Promise.all(events.map((event) => station.recorder.record([event])))
    const stored = []
    for (const shard of station.journal.shards) {
      const frames = await framesOf(station.journal, shard)
      assert.ok(frames.length <= 1, `${frames.length} frames`)
      for (const frame of frames) {
        assert.ok(frame.kind === 'events')
        for (const event of frame.events)
          assert.equal(shardOf(event.account, event.region, 3), shard)
        stored.push(...frame.events)
      }
    }
    const byId = (a: { eventId: string }, b: { eventId: string }) =>
      a.eventId < b.eventId ? -1 : 1
    assert.deepEqual(stored.sort(byId), events.sort(byId))
    await station.close()
  })

  it('starts a frame at a megabyte and gives a larger event its own', async () => {
    const station = await openStation(new FaultyDisk(), { shards: 1 })
    const sizes = [400_000, 400_000, 400_000, FRAME_GROUP_BYTES_MAX * 3, 10]
    await station.recorder.record(sizes.map((size) => eventOf('x'.repeat(size))))
    const frames = await framesOf(station.journal, 0)
    const counts = frames.map((frame) => (frame.kind === 'events' ? frame.events.length : 0))
    assert.deepEqual(counts, [2, 1, 1, 1])
    await station.close()
  })

  it('refuses a faulty event without harm to those that come with it', async () => {
    const station = await openStation(new FaultyDisk())
    const results = await Promise.allSettled([
      station.recorder.record([eventOf('{"good":1}')]),
      station.recorder.record([eventOf('{"two":\n"lines"}')]),
      station.recorder.record([eventOf('x'.repeat(FRAME_TEXT_BYTES_MAX + 1))]),
      station.recorder.record([eventOf('{}', { region: 'r'.repeat(70_000) })]),
    ])
    assert.deepEqual(
      results.map((each) => each.status),
      ['fulfilled', 'rejected', 'rejected', 'rejected'],
    )
    assert.deepEqual(await textsOf(station.journal), ['{"good":1}'])
    await station.close()
  })

  it('puts a control frame once into every shard', async () => {
    const station = await openStation(new FaultyDisk(), { shards: 3 })
    const frame = { kind: 'control', topic: 'trail', payload: '{"a":1}' } as const
    await station.recorder.control(frame, 'change-1')
    await station.recorder.control(frame, 'change-1')
    for (const shard of station.journal.shards) {
      assert.deepEqual(await framesOf(station.journal, shard), [frame])
    }
    await station.close()
  })

  it('repeats an append of unknown outcome and stores it once', async () => {
    let lies = 3
    const wrap = (journal: Journal): Journal => ({
      ...wrapped(journal),
      append: async (...args) => {
        const sequence = await journal.append(...args)
        if (lies-- > 0) throw new JournalError('unknown', 'the answer was lost')
        return sequence
      },
    })
    const station = await openStation(new FaultyDisk(), { wrap })
    await station.recorder.record([eventOf('{"once":1}')])
    assert.deepEqual(await textsOf(station.journal), ['{"once":1}'])
    assert.equal(station.spool.waiting, 0)
    await station.close()
  })

  it('keeps events in the spool while the journal is closed, and refuses intents', async () => {
    const disk = new FaultyDisk()
    const station = await openStation(disk)
    failJournalSync(disk)
    await station.recorder.record([eventOf('{"spooled":1}')])
    await station.recorder.record([eventOf('{"spooled":2}')])
    assert.equal(station.spool.waiting, 2)
    const intent = eventOf('{}')
    await assert.rejects(station.recorder.intend(intent), { code: 'closed' })
    await station.close()
    disk.restartProcess()
    const again = await openStation(disk)
    while (again.spool.waiting > 0) await new Promise(setImmediate)
    assert.deepEqual((await textsOf(again.journal)).sort(), ['{"spooled":1}', '{"spooled":2}'])
    await again.close()
  })

  it('lets management writes go on where it fails open', async () => {
    const disk = new FaultyDisk()
    const station = await openStation(disk, { failOpen: true })
    failJournalSync(disk)
    await station.recorder.intend(eventOf('{}'))
    await station.close()
  })

  it('rejects where the spool fails too', async () => {
    const disk = new FaultyDisk()
    const station = await openStation(disk)
    disk.fault = (call) => (call.name === 'fdatasync' ? 'error' : undefined)
    await assert.rejects(station.recorder.record([eventOf('{}')]), { code: 'unknown' })
    await assert.rejects(station.recorder.record([eventOf('{}')]), { code: 'closed' })
    await station.close()
  })

  it('ends what is under way when it closes, and refuses what comes later', async () => {
    const station = await openStation(new FaultyDisk())
    const recording = station.recorder.record([eventOf('{"last":1}')])
    await station.recorder.close()
    await recording
    await assert.rejects(station.recorder.record([eventOf('{}')]), { code: 'closed' })
    assert.deepEqual(await textsOf(station.journal), ['{"last":1}'])
    await station.close()
  })
})

const wrapped = (journal: Journal): Journal => ({
  shards: journal.shards,
  append: (...args) => journal.append(...args),
  read: (...args) => journal.read(...args),
  nextReadable: (...args) => journal.nextReadable(...args),
  range: (...args) => journal.range(...args),
  wait: (...args) => journal.wait(...args),
  truncate: (...args) => journal.truncate(...args),
  close: () => journal.close(),
})
