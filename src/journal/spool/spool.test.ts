import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FaultyDisk } from '../../../test/faults/journal-disk.ts'
import { silentLogger } from '../../platform/logger.ts'
import { encodeFrame } from '../frame-codec.ts'
import { fsckSpool } from '../fsck.ts'
import { eventOf, master, openStation, type Station, textsOf } from '../testing/harness.ts'
import { drainSpool } from './drain-spool.ts'
import { createHashSet } from './hash-set.ts'
import { decodeSpoolRecord, encodeSpoolRecord } from './spool-record.ts'

const drain = ({ spool, journal }: Station) => drainSpool({ spool, journal, logger: silentLogger })

const frameOf = (...events: ReturnType<typeof eventOf>[]) => encodeFrame({ kind: 'events', events })

/** A station whose recorder does not drain by itself. */
const openQuiet = async (disk: FaultyDisk): Promise<Station> => {
  const station = await openStation(disk, { shards: 1 })
  await station.recorder.close()
  return station
}

describe('spool', () => {
  it('drops what the journal has from the noted sequence on, and only that', async () => {
    const station = await openQuiet(new FaultyDisk())
    const [there, same, fresh] = [eventOf('{"a":1}'), eventOf('{"a":2}'), eventOf('{"a":3}')]
    await station.journal.append(0, frameOf(there, same), 'first')
    const other = { ...same, text: Buffer.from('{"a":"another text"}') }
    await station.spool.put(0, 1, frameOf(there, other))
    await station.spool.put(0, 1, frameOf(fresh))
    assert.deepEqual(await drain(station), { appended: 2, dropped: 1 })
    assert.deepEqual(await textsOf(station.journal), [
      '{"a":1}',
      '{"a":2}',
      '{"a":"another text"}',
      '{"a":3}',
    ])
    assert.equal(station.spool.waiting, 0)
    assert.deepEqual(await drain(station), { appended: 0, dropped: 0 })
    await station.close()
  })

  it('does not look below the note', async () => {
    const station = await openQuiet(new FaultyDisk())
    const event = eventOf('{"a":1}')
    await station.journal.append(0, frameOf(event), 'first')
    await station.spool.put(0, 2, frameOf(event))
    assert.deepEqual(await drain(station), { appended: 1, dropped: 0 })
    await station.close()
  })

  it('takes an event once that waits twice', async () => {
    const station = await openQuiet(new FaultyDisk())
    const event = eventOf('{"a":1}')
    await station.spool.put(0, 1, frameOf(event))
    await station.spool.put(0, 1, frameOf(event, eventOf('{"a":2}')))
    assert.deepEqual(await drain(station), { appended: 2, dropped: 1 })
    await station.close()
  })

  it('remembers over a restart what waits and what was drained', async () => {
    const disk = new FaultyDisk()
    const station = await openQuiet(disk)
    await station.spool.put(0, 7, frameOf(eventOf('{"a":1}')))
    await drain(station)
    await station.spool.put(0, 9, frameOf(eventOf('{"a":2}')))
    await station.close()
    const again = await openQuiet(disk)
    // The recorder began to drain as soon as it was made; closing it lets that come to its end.
    assert.deepEqual((await textsOf(again.journal)).sort(), ['{"a":1}', '{"a":2}'])
    await again.close()
  })

  it('tells from where on the journal must be kept', async () => {
    const station = await openQuiet(new FaultyDisk())
    assert.equal(station.spool.lowestNoted(0), undefined)
    await station.spool.put(0, 12, frameOf(eventOf('{}')))
    await station.spool.put(0, 5, frameOf(eventOf('{}')))
    assert.equal(station.spool.lowestNoted(0), 5)
    assert.equal(station.spool.lowestNoted(1), undefined)
    await station.close()
  })

  it('writes no plain text', async () => {
    const disk = new FaultyDisk()
    const station = await openQuiet(disk)
    await station.spool.put(0, 1, frameOf(eventOf('{"secret":"plain"}')))
    const report = await fsckSpool('/spool', { master, files: disk })
    assert.deepEqual(report.findings, [])
    assert.equal(report.frames, 1)
    for (const path of disk.names) assert.equal(disk.content(path).includes('plain'), false)
    await station.close()
  })

  it('reads its records back', () => {
    const frame = fc.uint8Array().map((bytes) => Buffer.from(bytes))
    const entry = fc.record(
      { kind: fc.constant('entry' as const), shard: fc.nat(), from: fc.maxSafeNat(), frame },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(entry, (record) => {
        assert.deepEqual(decodeSpoolRecord(encodeSpoolRecord(record)), record)
      }),
    )
    const mark = { kind: 'drained', position: 9 } as const
    assert.deepEqual(decodeSpoolRecord(encodeSpoolRecord(mark)), mark)
    assert.throws(() => decodeSpoolRecord(Buffer.from([2, 1])), { code: 'unsupported' })
    assert.throws(() => decodeSpoolRecord(Buffer.from([1, 2])), { code: 'corrupt' })
  })

  it('finds numbers and repetitions in its set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (values) => {
        const set = createHashSet()
        for (const value of values) set.add(value)
        set.seal()
        for (let value = 0; value <= 51; value++) {
          const count = values.filter((each) => each === value).length
          assert.equal(set.has(value), count > 0)
          assert.equal(set.isRepeated(value), count > 1)
        }
      }),
    )
  })
})
