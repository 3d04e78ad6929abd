import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FaultyDisk } from '../../../test/faults/journal-disk.ts'
import type { Documents } from '../../documents/documents.ts'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { eventOf, openStation, type Station, textsOf } from '../testing/harness.ts'
import { createIntentTracker } from './intent-tracker.ts'
import { recoverIntents, startIntentCheckpoints } from './intents.ts'

let folder: string
let documents: Documents
let count = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-intents-'))
})
after(() => rm(folder, { recursive: true }))

const newDocuments = async (): Promise<Documents> => {
  documents = await openSqliteDocuments(join(folder, `${count++}.db`), {
    clock: systemClock,
    logger: silentLogger,
  })
  return documents
}

const recover = ({ journal, recorder, tracker, spool }: Station) =>
  recoverIntents({ journal, documents, recorder, tracker, spool, logger: silentLogger })

const MARKED = '"additionalEventData":{"captureIncomplete":true}'

describe('intents', () => {
  it('become events, once, where their outcome never came', async () => {
    await newDocuments()
    const disk = new FaultyDisk()
    const station = await openStation(disk)
    const [done, cutOff] = [eventOf('{"a":1.0}'), eventOf('{"b":2.0}')]
    await Promise.all([station.recorder.intend(done), station.recorder.intend(cutOff)])
    await station.recorder.record([{ ...done, text: Buffer.from('{"a":1.0,"outcome":"yes"}') }])
    disk.restartProcess()

    const again = await openStation(disk)
    assert.equal(await recover(again), 1)
    const expected = ['{"a":1.0,"outcome":"yes"}', `{"b":2.0,${MARKED}}`]
    assert.deepEqual(await textsOf(again.journal), expected)
    assert.equal(again.tracker.open, 0)
    disk.restartProcess()

    const third = await openStation(disk)
    assert.equal(await recover(third), 0)
    assert.deepEqual(await textsOf(third.journal), expected)
    await third.close()
    await documents.close()
  })

  it('count an outcome that still waits in the spool', async () => {
    await newDocuments()
    const disk = new FaultyDisk()
    const station = await openStation(disk)
    const event = eventOf('{"a":1}')
    await station.recorder.intend(event)
    disk.fault = (call) =>
      call.name === 'fdatasync' && call.path.startsWith('/journal') ? 'error' : undefined
    await station.recorder.record([event])
    await station.close()
    disk.restartProcess()
    const again = await openStation(disk)
    assert.equal(await recover(again), 0)
    while (again.spool.waiting > 0) await new Promise(setImmediate)
    assert.deepEqual(await textsOf(again.journal), ['{"a":1}'])
    await again.close()
    await documents.close()
  })

  it('are searched from the checkpoint on, which stays below what is open', async () => {
    await newDocuments()
    const disk = new FaultyDisk()
    const station = await openStation(disk, { shards: 1 })
    const checkpoints = startIntentCheckpoints({
      documents,
      tracker: station.tracker,
      shards: [0],
      logger: silentLogger,
    })
    const from = async () =>
      (await documents.get<{ from: number }>('journal/intents/0'))?.value.from
    for (let index = 0; index < 5; index++) await station.recorder.record([eventOf('{}')])
    const open = eventOf('{"open":1}')
    await station.recorder.intend(open)
    for (let index = 0; index < 5; index++) await station.recorder.record([eventOf('{}')])
    assert.equal(station.tracker.lowestUnresolved(0), 6)
    await checkpoints[Symbol.asyncDispose]()
    assert.equal(await from(), 6)
    disk.restartProcess()

    const again = await openStation(disk, { shards: 1 })
    // Everything below the checkpoint may be gone: the search does not begin there.
    const read = again.journal.read.bind(again.journal)
    const asked: number[] = []
    const watched = Object.assign(Object.create(again.journal), {
      shards: again.journal.shards,
      range: (shard: number) => again.journal.range(shard),
      read: (...args: Parameters<typeof read>) => {
        asked.push(args[1])
        return read(...args)
      },
    })
    assert.equal(await recover({ ...again, journal: watched }), 1)
    assert.equal(Math.min(...asked), 6)
    assert.equal(again.tracker.lowestUnresolved(0), 13)
    await again.close()
    await documents.close()
  })
})

describe('intent tracker', () => {
  it('knows the lowest unresolved frame of each shard', () => {
    const tracker = createIntentTracker()
    assert.equal(tracker.lowestUnresolved(0), 1)
    tracker.opened(0, 3, ['a', 'b'])
    tracker.opened(1, 2, ['c'])
    tracker.reached(0, 9)
    tracker.reached(0, 7)
    assert.equal(tracker.lowestUnresolved(0), 3)
    tracker.resolved(['a', 'unknown'])
    assert.equal(tracker.lowestUnresolved(0), 3)
    tracker.resolved(['b'])
    assert.equal(tracker.lowestUnresolved(0), 10)
    assert.equal(tracker.lowestUnresolved(1), 1)
    assert.equal(tracker.open, 1)
  })
})
