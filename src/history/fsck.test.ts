import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import { masterKeyOf } from '../platform/encryption.ts'
import { fsckHistory } from './fsck.ts'
import { startFolderHistory, TEST_MASTER } from './testing/folder-history.ts'

const DAY_MS = 86_400_000

const problemsOf = async (
  harm: (dayFolder: string) => void,
  master = TEST_MASTER,
): Promise<string[]> => {
  const rig = await startFolderHistory({ now: NOW })
  try {
    const events = Array.from({ length: 100 }, (_, n) =>
      eventOf({ id: `e${n}`, time: NOW - (n % 2) * DAY_MS, bucket: `b${n}` }),
    )
    await rig.consume(0, [entryOf(0, 1, events)])
    await rig.stop()
    harm(join(rig.folder, '2026-03-10'))
    const { days, problems } = await fsckHistory(rig.folder, { master })
    assert.equal(days, 2)
    return problems.map(({ place, problem }) => `${place}: ${problem}`)
  } finally {
    await rig.remove()
  }
}

const onIndex =
  (sql: string) =>
  (folder: string): void => {
    const database = new DatabaseSync(join(folder, 'index.sqlite'))
    database.exec(sql)
    database.close()
  }

const keysOf = (page: DataView): number => page.getUint32(0, true)

const onFirstPage =
  (harm: (page: DataView) => void) =>
  (folder: string): void => {
    const database = new DatabaseSync(join(folder, 'index.sqlite'))
    const row = database.prepare('SELECT id, data FROM page ORDER BY id LIMIT 1').get()
    assert.ok(row?.data instanceof Uint8Array)
    harm(new DataView(row.data.buffer, row.data.byteOffset, row.data.length))
    database.prepare('UPDATE page SET data = ? WHERE id = ?').run(row.data, Number(row.id))
    database.close()
  }

describe('fsck of the history', () => {
  it('counts what is sound', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      const events = [0, 1, 2].map((n) => eventOf({ id: `e${n}`, time: NOW - n }))
      await rig.consume(0, [entryOf(0, 1, events)])
      // Beside the running writer, which is in the middle of an append.
      const [file = ''] = rig.files('*/events-1.blk')
      writeFileSync(file, 'BLK1', { flag: 'a' })
      const report = await fsckHistory(rig.folder, { master: TEST_MASTER })
      assert.deepEqual(report, { days: 1, blocks: 1, events: 3, problems: [] })
    } finally {
      await rig.remove()
    }
  })

  it('finds a damaged block', async () => {
    const problems = await problemsOf((folder) => {
      const file = join(folder, 'events-1.blk')
      const bytes = readFileSync(file)
      bytes[300] = (bytes[300] ?? 0) ^ 1
      writeFileSync(file, bytes)
    })
    assert.equal(problems.length, 2)
    assert.match(problems[0] ?? '', /^2026-03-10\/events-1\.blk at byte 76: \d+ bytes damaged\.$/)
    assert.equal(problems[1], '2026-03-10: The index has 48 events that no block has.')
  })

  it('finds a missing file and a missing index', async () => {
    const noFile = await problemsOf((folder) => rmSync(join(folder, 'events-1.blk')))
    assert.deepEqual(noFile, [
      '2026-03-10/events-1.blk: It is missing.',
      '2026-03-10: The index has 50 events that no block has.',
    ])
    const noIndex = await problemsOf((folder) => rmSync(join(folder, 'index.sqlite')))
    assert.deepEqual(noIndex, ['2026-03-10: No index; the server builds it at start.'])
  })

  it('finds an index that says less or more than the blocks', async () => {
    const lessEvents = await problemsOf(onIndex('DELETE FROM run; DELETE FROM page'))
    assert.equal(lessEvents.length, 50)
    assert.equal(lessEvents[0], '2026-03-10, event e0: It is not in the index.')
    const otherKey = await problemsOf(
      onFirstPage((page) => page.setUint16(4 + 4 * keysOf(page), 1, true)),
    )
    assert.equal(otherKey.length, 1)
    assert.match(
      otherKey[0] ?? '',
      /^2026-03-10, event e\d+: The index has other attributes of it\.$/,
    )
  })

  it('finds damage within the pages of a run', async () => {
    const damaged = '2026-03-10: A page of the history index is damaged.'
    const noLists = await problemsOf(onFirstPage((page) => page.setUint32(0, 4_000, true)))
    assert.deepEqual(noLists, [damaged])
    const order = await problemsOf(onFirstPage((page) => page.setUint32(4, 0xffff_ffff, true)))
    assert.equal(order[0], '2026-03-10: Run 1 of the index is damaged.')
    const noPage = await problemsOf(
      onIndex('DELETE FROM page WHERE id = (SELECT min(id) FROM page)'),
    )
    assert.match(noPage[0] ?? '', /^2026-03-10: Page \d+ is gone\.$/)
    const noFilter = await problemsOf(onIndex('UPDATE run SET filter = zeroblob(length(filter))'))
    assert.equal(noFilter.length, 50)
    assert.equal(noFilter[0], '2026-03-10, event e0: The index would not know it again.')
  })

  it('names a wrong master key', async () => {
    const problems = await problemsOf(() => {}, masterKeyOf(Buffer.alloc(32, 1)))
    assert.equal(problems.length, 2)
    for (const problem of problems) assert.match(problem, /do not open under this key/)
  })
})
