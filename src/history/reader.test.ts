import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { entryOf, eventOf, historyContract, NOW } from '../../test/contracts/history.ts'
import { silentLogger } from '../platform/logger.ts'
import { createAttributeHashes } from './attribute-hashes.ts'
import type { HistoryQuery } from './history.ts'
import { HistoryError } from './history-error.ts'
import { DayIndex } from './key-index/day-index.ts'
import { openHistory } from './reader.ts'
import { startFolderHistory, TEST_MASTER } from './testing/folder-history.ts'

historyContract('folder', () => startFolderHistory({ now: NOW }))

const query: HistoryQuery = {
  ...{ account: '111122223333', region: 'us-east-1', category: 'Management', attributes: [] },
  ...{ from: 0, to: NOW, limit: 10 },
}

describe('folder history reader', () => {
  it('never shows an event whose key only collides', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await rig.consume(0, [entryOf(0, 1, [eventOf({ id: 'e', time: NOW, user: 'alice' })])])
      const hashes = createAttributeHashes(TEST_MASTER)
      const key = hashes.key('Management', 'Username', 'mallory')
      const path = join(rig.folder, '2026-03-10', 'index.sqlite')
      const index = new DayIndex(path, '2026-03-10', TEST_MASTER, false)
      const scope = hashes.scope('111122223333', 'us-east-1')
      const idKey = hashes.key('Management', 'EventId', 'e')
      const locations = index.locationsOf(idKey, scope, 10)
      assert.equal(locations.length, 1)
      const entry = { shard: 0, sequence: 9, index: 0, account: '', region: '', scope, time: NOW }
      const covered = { file: 1, bytes: index.covered().get(1) ?? 0 }
      index.insert(index.draft([{ ...entry, keys: [key], idKey: 0 }]), locations, covered)
      index.close(true)
      const found = async (value: string) => {
        const attributes = [{ key: 'Username' as const, value }]
        return (await rig.history.search({ ...query, attributes })).events.length
      }
      assert.deepEqual([await found('mallory'), await found('alice')], [0, 1])
    } finally {
      await rig.remove()
    }
  })

  it('reports a damaged index so that the writer builds it anew', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      const events = Array.from({ length: 500 }, (_, n) => eventOf({ id: `e${n}`, time: NOW - n }))
      await rig.consume(0, [entryOf(0, 1, events)])
      await rig.stop()
      const path = join(rig.folder, '2026-03-10', 'index.sqlite')
      writeFileSync(path, Buffer.alloc(40_000, 0xff), { flag: 'r+', flush: true })
      const options = { folder: rig.folder, clock: rig.clock, master: TEST_MASTER }
      const history = await openHistory({ ...options, logger: silentLogger })
      await assert.rejects(
        history.search(query),
        (error) => error instanceof HistoryError && error.code === 'damaged-index',
      )
      await history.close()
      assert.equal(rig.files('*/index.damaged').length, 1)
      await rig.restart()
      assert.equal(rig.files('*/index.damaged').length, 0)
      assert.equal((await rig.history.search({ ...query, limit: 1000 })).events.length, 500)
    } finally {
      await rig.remove()
    }
  })

  it('answers from nothing and refuses after its end', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      assert.deepEqual(await rig.history.search(query), { events: [] })
      const { history } = rig
      await history.close()
      await assert.rejects(
        history.search(query),
        (error) => error instanceof HistoryError && error.code === 'closed',
      )
    } finally {
      await rig.remove()
    }
  })

  it('lets two searches share a day while one is under way', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      const events = Array.from({ length: 900 }, (_, n) => eventOf({ id: `e${n}`, time: NOW - n }))
      await rig.consume(0, [entryOf(0, 1, events)])
      const long = rig.history.search({ ...query, limit: 1000 })
      const short = rig.history.search(query)
      assert.equal((await short).events.length, 10)
      assert.equal((await long).events.length, 900)
    } finally {
      await rig.remove()
    }
  })
})
