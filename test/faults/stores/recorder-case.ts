import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fsckJournal, fsckSpool } from '../../../src/journal/fsck.ts'
import { createIntentTracker } from '../../../src/journal/intents/intent-tracker.ts'
import { openSegmentJournal } from '../../../src/journal/segment-journal.ts'
import { createRecorder } from '../../../src/journal/segment-recorder.ts'
import { shardOf } from '../../../src/journal/shard.ts'
import { openSpool } from '../../../src/journal/spool/spool.ts'
import { eventOf, textsOf } from '../../../src/journal/testing/harness.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { attempt, impatientClock, type StoreCase, TEST_MASTER } from './store-case.ts'

const common = { master: TEST_MASTER, clock: impatientClock, logger: silentLogger }

/** Journal, spool and recorder as the front has them, on two folders. */
const open = async (folder: string) => {
  const journal = await openSegmentJournal(join(folder, 'journal'), {
    ...common,
    shards: 2,
    maxBytes: 1e8,
    segmentBytes: 4_000,
    retentionMs: -1,
  })
  const opened = [journal] as { close(): Promise<void> }[]
  try {
    const spool = await openSpool(join(folder, 'spool'), { ...common, maxBytes: 1e8 })
    opened.push(spool)
    const tracker = createIntentTracker()
    const base = { ...common, journal, spool, tracker, shardOf, failOpen: false }
    const recorder = createRecorder(base)
    opened.push(recorder)
    return {
      ...{ journal, spool, recorder },
      close: async () => {
        await recorder.close()
        await Promise.allSettled([spool.close(), journal.close()])
      },
    }
  } catch (error) {
    for (const each of opened.reverse()) await attempt(() => each.close())
    throw error
  }
}

const ROUNDS = [5, 1, 8, 3]

/** Records events of three regions in groups; what the journal does not take goes to the spool. */
const work = async (folder: string, tell: (fact: string) => void): Promise<void> => {
  const station = await open(folder)
  let number = 0
  for (const [round, count] of ROUNDS.entries()) {
    const records = Array.from({ length: count }, async () => {
      const text = `{"number":${number++},"pad":"${'x'.repeat(round * 300)}"}`
      const region = `r-${number % 3}`
      if (await attempt(() => station.recorder.record([eventOf(text, { region })]))) tell(text)
    })
    await Promise.all(records)
    if (round === 2) await attempt(() => station.journal.truncate(0, 1))
  }
  await station.close()
}

const check = async (folder: string, told: readonly string[]): Promise<void> => {
  const station = await open(folder)
  while (station.spool.waiting > 0) await turn()
  const texts = await textsOf(station.journal)
  const findings = station.journal.recovery.findings
  await station.close()
  assert.deepEqual(findings, [])
  assert.equal(texts.length, new Set(texts).size, 'nothing is there twice')
  const there = new Set(texts)
  const lost = told.filter((text) => !there.has(text))
  assert.equal(lost.length, 0, `lost ${lost.map((text) => text.slice(0, 14)).join(' ')}`)
  for (const [fsck, name] of [[fsckJournal, 'journal'] as const, [fsckSpool, 'spool'] as const]) {
    const report = await fsck(join(folder, name), { master: TEST_MASTER })
    assert.deepEqual(report.findings, [], name)
  }
}

/** Journal and spool on the real file system; the disk in memory has many more faults of them. */
export const recorderCase: StoreCase = { name: 'recorder', work, check }
