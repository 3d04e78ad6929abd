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
    const lessEvents = await problemsOf(
      onIndex('DELETE FROM event WHERE n IN (SELECT min(n) FROM event)'),
    )
    assert.deepEqual(lessEvents, ['2026-03-10, event e0: It is not in the index.'])
    const lessKeys = await problemsOf(
      onIndex('DELETE FROM posting WHERE n IN (SELECT max(n) FROM event)'),
    )
    assert.deepEqual(lessKeys, ['2026-03-10, event e98: The index lacks attributes of it.'])
    const more = await problemsOf(onIndex('INSERT INTO posting VALUES (1, 4711, 1)'))
    assert.match(
      more[0] ?? '',
      /^2026-03-10: The index has \d+ postings where the blocks have \d+\.$/,
    )
  })

  it('names a wrong master key', async () => {
    const problems = await problemsOf(() => {}, masterKeyOf(Buffer.alloc(32, 1)))
    assert.equal(problems.length, 2)
    for (const problem of problems) assert.match(problem, /do not open under this key/)
  })
})
