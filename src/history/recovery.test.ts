import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { allPages, entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import type { Entry } from '../journal/consumer.ts'
import { masterKeyOf } from '../platform/encryption.ts'
import { silentLogger } from '../platform/logger.ts'
import { fsckHistory } from './fsck.ts'
import type { HistoryQuery } from './history.ts'
import { HistoryError } from './history-error.ts'
import { openHistory } from './reader.ts'
import { type FolderHistoryRig, startFolderHistory, TEST_MASTER } from './testing/folder-history.ts'

const all: HistoryQuery = {
  ...{ category: 'Management', attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1000 },
}
const DAY = '2026-03-10'

/** Sixty events of today in one frame: two blocks. */
const frame = (sequence: number, events = 60): Entry =>
  entryOf(
    0,
    sequence,
    Array.from({ length: events }, (_, n) => eventOf({ id: `${sequence}-${n}`, time: NOW - n })),
  )

const idsOf = async (rig: FolderHistoryRig): Promise<string[]> =>
  (await allPages(rig.history, all)).map(({ text }) => JSON.parse(text.toString()).eventID)

const expectSound = async (rig: FolderHistoryRig): Promise<void> => {
  const report = await fsckHistory(rig.folder, { master: TEST_MASTER })
  assert.deepEqual(report.problems, [])
}

const using = (title: string, body: (rig: FolderHistoryRig) => Promise<void>): void => {
  it(title, async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await body(rig)
    } finally {
      await rig.remove()
    }
  })
}

describe('history recovery', () => {
  using(
    'cuts an unfinished block off, wherever it ends, and takes the frame again',
    async (rig) => {
      await rig.consume(0, [frame(1)])
      await rig.stop()
      const [file = ''] = rig.files('*/events-1.blk')
      const path = join(rig.folder, DAY, 'index.sqlite')
      const [whole, before] = [statSync(file).size, readFileSync(path)]
      await rig.restart()
      await rig.consume(0, [frame(2)])
      await rig.stop()
      const grown = readFileSync(file)
      for (const length of [1, 15, 16, 40, Math.floor((grown.length - whole) / 2)]) {
        await rig.restart(() => {
          writeFileSync(file, grown.subarray(0, whole + length))
          writeFileSync(path, before)
        })
        const ids = await idsOf(rig)
        assert.equal(ids.filter((id) => id.startsWith('1-')).length, 60, `${length} bytes`)
        await expectSound(rig)
        await rig.consume(0, [frame(2)])
        assert.equal(new Set(await idsOf(rig)).size, 120)
        assert.equal((await idsOf(rig)).length, 120)
        await expectSound(rig)
      }
    },
  )

  using('indexes blocks that the index has not heard of', async (rig) => {
    await rig.consume(0, [frame(1)])
    await rig.stop()
    const path = join(rig.folder, DAY, 'index.sqlite')
    const behind = readFileSync(path)
    await rig.restart()
    await rig.consume(0, [frame(2)])
    await rig.restart(() => writeFileSync(path, behind))
    assert.equal((await idsOf(rig)).length, 120)
    await expectSound(rig)
  })

  for (const [what, harm] of Object.entries<(index: string) => void>({
    'is missing': (index) => rmSync(index),
    'is no data base': (index) => writeFileSync(index, 'nonsense'),
    'is cut short': (index) => truncateSync(index, 8192),
    'has another version': (index) => {
      const database = new DatabaseSync(index)
      database.exec('PRAGMA user_version = 77')
      database.close()
    },
    'is of the version before': (index) => {
      const database = new DatabaseSync(index)
      database.exec('DROP TABLE run; DROP TABLE page; PRAGMA user_version = 1')
      database.close()
    },
    'was marked by a reader': (index) => writeFileSync(join(index, '..', 'index.damaged'), ''),
  })) {
    using(`builds an index anew that ${what}`, async (rig) => {
      await rig.consume(0, [frame(1)])
      const ids = await idsOf(rig)
      await rig.restart(() => harm(join(rig.folder, DAY, 'index.sqlite')))
      assert.deepEqual(await idsOf(rig), ids)
      assert.equal(existsSync(join(rig.folder, DAY, 'index.damaged')), false)
      await rig.consume(0, [frame(1), frame(2)])
      assert.equal((await idsOf(rig)).length, 120)
      await expectSound(rig)
    })
  }

  for (const [what, sql] of Object.entries({
    'has a page that is none':
      "UPDATE page SET data = x'ffffffff' WHERE id = (SELECT min(id) FROM page)",
    'lacks a page': 'DELETE FROM page WHERE id = (SELECT min(id) FROM page)',
  })) {
    using(`builds an index anew that ${what}, while it runs`, async (rig) => {
      for (const sequence of [1, 2, 3]) await rig.consume(0, [frame(sequence)])
      await rig.restart(() => {
        const database = new DatabaseSync(join(rig.folder, DAY, 'index.sqlite'))
        database.exec(sql)
        database.close()
      })
      // The fourth batch would be merged with the others.
      await assert.rejects(rig.consume(0, [frame(4)]))
      assert.equal(await rig.consume(0, [frame(4)]), 4)
      assert.equal(new Set(await idsOf(rig)).size, 240)
      assert.equal((await idsOf(rig)).length, 240)
      await expectSound(rig)
    })
  }

  using('builds the index anew where it is ahead of the blocks', async (rig) => {
    await rig.consume(0, [frame(1)])
    const [file = ''] = rig.files('*/events-1.blk')
    const first = statSync(file).size
    await rig.consume(0, [frame(2)])
    await rig.restart(() => truncateSync(file, first))
    assert.equal((await idsOf(rig)).length, 60)
    await rig.consume(0, [frame(2)])
    assert.equal((await idsOf(rig)).length, 120)
    await expectSound(rig)
  })

  using('keeps and skips a damaged block, says so, and goes on behind it', async (rig) => {
    await rig.consume(0, [frame(1)])
    await rig.consume(0, [frame(2)])
    const [file = ''] = rig.files('*/events-1.blk')
    const bytes = readFileSync(file)
    bytes[200] = (bytes[200] ?? 0) ^ 1
    await rig.restart(() => {
      writeFileSync(file, bytes)
      rmSync(join(rig.folder, DAY, 'index.sqlite'))
    })
    const ids = await idsOf(rig)
    assert.equal(ids.length, 120 - 48, 'one block of 48 is gone')
    await rig.consume(0, [frame(3)])
    assert.equal((await idsOf(rig)).length, 120 - 48 + 60)
    const report = await fsckHistory(rig.folder, { master: TEST_MASTER })
    assert.equal(report.problems.length, 1)
    assert.match(report.problems[0]?.place ?? '', /^2026-03-10\/events-1\.blk at byte 76$/)
  })

  using('puts a tail aside that it cannot judge without an index', async (rig) => {
    await rig.consume(0, [frame(1)])
    const [file = ''] = rig.files('*/events-1.blk')
    const { size } = statSync(file)
    await rig.restart(() => {
      appendFileSync(file, 'BLK1 and then nothing')
      rmSync(join(rig.folder, DAY, 'index.sqlite'))
    })
    assert.equal(statSync(file).size, size)
    assert.equal(readFileSync(`${file}.cut-${size}`, 'utf8'), 'BLK1 and then nothing')
    await expectSound(rig)
  })

  using('removes a block file whose header never became whole', async (rig) => {
    await rig.consume(0, [frame(1)])
    const torn = join(rig.folder, DAY, 'events-2.blk')
    await rig.restart(() => writeFileSync(torn, 'CLEWHI'))
    assert.equal(existsSync(torn), false)
    assert.equal((await idsOf(rig)).length, 60)
  })

  using('refuses another master key and leaves everything as it is', async (rig) => {
    await rig.consume(0, [frame(1)])
    const master = masterKeyOf(Buffer.alloc(32, 9))
    const { folder, clock } = rig
    const other = await openHistory({ folder, clock, master, logger: silentLogger })
    await assert.rejects(other.search({ ...all }), /do not open under this key/)
    await other.close()
    assert.equal((await idsOf(rig)).length, 60)
  })

  using('says that an index is being built rather than that nothing is there', async (rig) => {
    await rig.consume(0, [frame(1)])
    await rig.consumer.close()
    for (const file of rig.files('*/index.sqlite*')) rmSync(file)
    await assert.rejects(
      rig.history.search(all),
      (error) => error instanceof HistoryError && error.code === 'index-missing',
    )
    await rig.restart()
    assert.equal((await idsOf(rig)).length, 60)
  })

  it('shows another process what it has acknowledged, at once', { timeout: 60_000 }, async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await rig.consumer.close()
      const { child, lines } = startWriter(rig.folder, 1)
      const exited = once(child, 'exit')
      let seen = 0
      for await (const line of lines) {
        for (const n of [0, 39]) {
          const attributes = [{ key: 'EventId' as const, value: `${line}-${n}` }]
          const { events } = await rig.history.search({ ...all, attributes })
          assert.equal(events.length, 1)
        }
        if (++seen === 25) child.kill('SIGKILL')
      }
      await exited
      assert.ok(seen >= 25)
    } finally {
      await rig.remove()
    }
  })

  it('loses and doubles nothing when its process is killed', { timeout: 60_000 }, async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await rig.consumer.close()
      let acknowledged = 0
      for (let round = 0; round < 3; round++) {
        acknowledged = await killAfter(rig.folder, acknowledged + 1, 5 + round * 7)
        await rig.restart()
        const ids = await idsOf(rig)
        assert.equal(new Set(ids).size, ids.length, 'none twice')
        const kept = new Set(ids)
        for (let sequence = 1; sequence <= acknowledged; sequence++) {
          for (let n = 0; n < 40; n++) assert.ok(kept.has(`${sequence}-${n}`))
        }
        await rig.consumer.close()
        await expectSound(rig)
      }
    } finally {
      await rig.remove()
    }
  })
})

/** A process that writes frames from a sequence on, and the sequences that it acknowledges. */
const startWriter = (folder: string, first: number) => {
  const script = join(import.meta.dirname, 'testing', 'consumer-process.ts')
  const child = spawn(process.execPath, [script, folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, lines: createInterface({ input: child.stdout }) }
}

/** Kills a writer after some acknowledgements; returns the last one. */
const killAfter = async (folder: string, first: number, count: number): Promise<number> => {
  const { child, lines } = startWriter(folder, first)
  const exited = once(child, 'exit')
  let last = first - 1
  let seen = 0
  for await (const line of lines) {
    last = Number(line)
    if (++seen === count) child.kill('SIGKILL')
  }
  await exited
  assert.ok(seen >= count)
  return last
}
