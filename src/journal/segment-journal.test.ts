import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { type JournalSetting, journalContract } from '../../test/contracts/journal.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { masterKeyOf } from '../platform/encryption.ts'
import { silentLogger } from '../platform/logger.ts'
import { encodeFrame } from './frame-codec.ts'
import { fsckJournal } from './fsck.ts'
import { type Journal, JournalError, type JournalReader } from './journal.ts'
import {
  openSegmentJournal,
  openSegmentJournalReader,
  type SegmentJournalOptions,
} from './segment-journal.ts'
import { startReaderProcess } from './testing/remote-reader.ts'

const SECRET = Buffer.alloc(32, 7)
const master = masterKeyOf(SECRET)
const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-journal-'))
  folders.push(folder)
  return folder
}

const openIn = (folder: string, options: Partial<SegmentJournalOptions> = {}) =>
  openSegmentJournal(folder, {
    master,
    shards: 1,
    clock: systemClock,
    logger: silentLogger,
    maxBytes: 1e9,
    ...options,
  })

type OpenReader = (
  folder: string,
  journal: Journal,
) => Promise<JournalReader & { close(): Promise<void> }>

const settingFor = (shards: number, openReader: OpenReader) => {
  return async ({ smallSegments }: { smallSegments: boolean }): Promise<JournalSetting> => {
    const folder = await newFolder()
    let shift = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + shift }
    const small = smallSegments ? { segmentBytes: 10_000, retentionMs: -1 } : {}
    const open = async () => {
      const journal = await openIn(folder, { clock, shards, ...small })
      return { journal, reader: await openReader(folder, journal) }
    }
    let current = await open()
    const close = async (): Promise<void> => {
      await current.reader.close()
      await current.journal.close()
    }
    return {
      get journal() {
        return current.journal
      },
      get reader() {
        return current.reader
      },
      advance: (ms) => {
        shift += ms
      },
      reopen: async () => {
        await close()
        current = await open()
      },
      remove: close,
    }
  }
}

const itself: OpenReader = async (_, journal) => journal
const besides: OpenReader = (folder) =>
  openSegmentJournalReader(folder, { master, clock: systemClock })
const readerProcess = startReaderProcess()
after(() => readerProcess.close())
const elsewhere: OpenReader = (folder) => readerProcess.open(folder, SECRET)

journalContract('segments, 1 shard', settingFor(1, itself))
journalContract('segments, 3 shards', settingFor(3, itself))
journalContract('segments, reader over the head file', settingFor(3, besides))
journalContract('segments, reader in another process', settingFor(2, elsewhere))

const withCode = (code: JournalError['code']) => (error: unknown) =>
  error instanceof JournalError && error.code === code

describe('segment journal', () => {
  it('lets one process append at a time', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder)
    await assert.rejects(openIn(folder), withCode('locked'))
    await journal.close()
    await (await openIn(folder)).close()
  })

  it('keeps its number of shards', async () => {
    const folder = await newFolder()
    await (await openIn(folder, { shards: 3 })).close()
    const journal = await openIn(folder, { shards: 5 })
    assert.deepEqual(journal.shards, [0, 1, 2])
    await journal.close()
  })

  it('does not open under another key, and says so instead of stepping over', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder)
    await journal.append(0, Buffer.from('x'), 'a')
    await journal.close()
    const other = masterKeyOf(Buffer.alloc(32, 8))
    await assert.rejects(openIn(folder, { master: other }), { code: 'wrong-key' })
    const reader = await openSegmentJournalReader(folder, { master: other, clock: systemClock })
    await assert.rejects(reader.read(0, 1, 1, 1), { code: 'wrong-key' })
    await reader.close()
  })

  it('writes no plain text, in files for the owner only', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder)
    await journal.append(0, Buffer.from('a very secret event'), 'a secret id')
    await journal.close()
    for (const name of await readdir(join(folder, 'shard-000'))) {
      const path = join(folder, 'shard-000', name)
      assert.equal((await stat(path)).mode & 0o077, 0)
      assert.equal((await readFile(path)).includes('secret'), false)
    }
  })

  it('refuses at 95 % of its limit, writes nothing, and takes frames again after truncation', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder, { maxBytes: 100_000, retentionMs: 3_600_000 })
    let taken = 0
    const fill = async (): Promise<void> => {
      for (; taken < 1_000; taken++) {
        await journal.append(0, Buffer.alloc(1_000), String(taken))
      }
    }
    await assert.rejects(fill(), withCode('full'))
    assert.ok(taken > 80 && taken < 95, `${taken}`)
    assert.deepEqual(await journal.range(0), { first: 1, next: taken + 1 })
    // Retention may hold half of the limit, so that this frees the other half.
    await journal.truncate(0, taken + 1)
    assert.ok(journal.size() > 30_000 && journal.size() <= 50_000, `${journal.size()}`)
    await journal.append(0, Buffer.alloc(1_000), 'more')
    await journal.close()
  })

  it('keeps what is younger than its retention', async () => {
    const folder = await newFolder()
    let shift = 0
    const clock = { ...systemClock, now: () => Date.now() + shift }
    const options = { clock, segmentBytes: 5_000, retentionMs: 60_000 }
    const journal = await openIn(folder, options)
    for (let index = 0; index < 40; index++) {
      await journal.append(0, Buffer.alloc(1_000), String(index))
    }
    await journal.truncate(0, 41)
    assert.deepEqual(await journal.range(0), { first: 1, next: 41 })
    shift = 61_000
    await journal.truncate(0, 41)
    assert.ok((await journal.range(0)).first > 30)
    await journal.close()
  })

  it('is checked while it grows and shrinks', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder, { segmentBytes: 5_000, retentionMs: -1 })
    let growing = true
    const grow = async (): Promise<void> => {
      for (let index = 0; growing; index++) {
        const frame = encodeFrame({ kind: 'control', topic: 'x', payload: 'y'.repeat(index % 500) })
        await journal.append(0, frame, String(index))
        if (index % 50 === 0) await journal.truncate(0, index - 40)
      }
    }
    const grown = grow()
    for (let round = 0; round < 20; round++) {
      assert.deepEqual((await fsckJournal(folder, { master })).findings, [])
    }
    growing = false
    await grown
    assert.ok((await fsckJournal(folder, { master })).frames > 0)
    await journal.close()
  })

  it('reads sequentially without walking a segment from its start', async () => {
    const folder = await newFolder()
    const journal = await openIn(folder)
    await Promise.all(
      Array.from({ length: 3_000 }, (_, index) =>
        journal.append(0, Buffer.alloc(1_000, index), String(index)),
      ),
    )
    let next = 1
    while (next <= 3_000) {
      const frames = await journal.read(0, next, 7, 1_000_000)
      assert.equal(frames[0]?.sequence, next)
      next += frames.length
    }
    assert.equal(next, 3_001)
    await journal.close()
  })
})
