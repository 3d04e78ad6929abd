import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FaultyDisk } from '../../../test/faults/journal-disk.ts'
import { systemClock } from '../../platform/clock.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import { silentLogger } from '../../platform/logger.ts'
import { encodeFrame } from '../frame-codec.ts'
import { fsckJournal } from '../fsck.ts'
import { JournalError } from '../journal.ts'
import { openSegmentJournal } from '../segment-journal.ts'
import { HEAD_BYTES, SEGMENT_HEADER_BYTES } from './layout.ts'
import { storedBytes } from './segment-writer.ts'

const master = masterKeyOf(Buffer.alloc(32, 1))
const SEGMENT = '/journal/shard-000/0000000000000001.seg'
const HEAD = '/journal/shard-000/head'

const open = (disk: FaultyDisk, segmentBytes?: number) =>
  openSegmentJournal('/journal', {
    master,
    shards: 1,
    clock: systemClock,
    logger: silentLogger,
    maxBytes: 1e9,
    files: disk,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  })

const frame = (name: string) =>
  encodeFrame({ kind: 'control', topic: name, payload: name.repeat(20) })

/** Frames of one length at sequences 1 to `count`, the first alone, the others as one group. */
const fill = async (disk: FaultyDisk, count: number): Promise<{ offsets: number[] }> => {
  const journal = await open(disk)
  const names = Array.from({ length: count }, (_, index) => `f${index + 1}`)
  await Promise.all(names.map((name) => journal.append(0, frame(name), name)))
  await journal.close()
  const size = storedBytes(frame('f1').length)
  return { offsets: names.map((_, index) => SEGMENT_HEADER_BYTES + index * size) }
}

const flip = (disk: FaultyDisk, path: string, at: number): void => {
  const content = disk.content(path)
  content[at] = (content[at] ?? 0) ^ 0xff
  disk.overwrite(path, content)
}

const corrupt = { code: 'corrupt' }

describe('recovery', () => {
  it('keeps, reports and steps over a damaged frame that was acknowledged', async () => {
    for (const inFrame of [2, 70]) {
      const disk = new FaultyDisk()
      const { offsets } = await fill(disk, 5)
      const before = disk.content(SEGMENT).length
      flip(disk, SEGMENT, (offsets[2] ?? 0) + inFrame)
      const journal = await open(disk)
      assert.equal(journal.recovery.findings.length, 1)
      assert.equal(journal.recovery.findings[0]?.sequence, 3)
      assert.equal(journal.recovery.cutBytes, 0)
      assert.equal(disk.content(SEGMENT).length, before)
      assert.deepEqual(
        (await journal.read(0, 1, 9, 1e6)).map((each) => each.sequence),
        [1, 2],
      )
      await assert.rejects(journal.read(0, 3, 9, 1e6), corrupt)
      assert.equal(await journal.nextReadable(0, 3), 4)
      assert.deepEqual(
        (await journal.read(0, 4, 9, 1e6)).map((each) => each.sequence),
        [4, 5],
      )
      assert.equal(await journal.append(0, frame('new'), 'new'), 6)
      const { findings, frames } = await fsckJournal('/journal', { master, files: disk })
      assert.equal(findings.length, 1)
      assert.equal(findings[0]?.sequence, 3)
      assert.equal(frames, 5)
      await journal.close()
    }
  })

  it('does not cut a damaged last frame that the head vouches for', async () => {
    const disk = new FaultyDisk()
    const { offsets } = await fill(disk, 5)
    flip(disk, SEGMENT, (offsets[4] ?? 0) + 70)
    const journal = await open(disk)
    assert.equal(journal.recovery.findings.length, 1)
    assert.deepEqual(await journal.range(0), { first: 1, next: 6 })
    await assert.rejects(journal.read(0, 5, 1, 1), corrupt)
    assert.equal(await journal.nextReadable(0, 5), 6)
    assert.equal(await journal.append(0, frame('new'), 'new'), 6)
    await journal.close()
  })

  it('cuts a torn last group, keeps its sound beginning, and forgets the ids that went', async () => {
    const disk = new FaultyDisk()
    const { offsets } = await fill(disk, 5)
    flip(disk, SEGMENT, (offsets[3] ?? 0) + 70)
    // After a power loss the head may be older than the last group, or not there at all.
    disk.overwrite(HEAD, Buffer.alloc(HEAD_BYTES))
    const journal = await open(disk)
    const { findings, cutBytes, rewrittenFrames } = journal.recovery
    assert.deepEqual(findings, [])
    assert.equal(cutBytes, 2 * storedBytes(frame('f1').length))
    assert.equal(rewrittenFrames, 2)
    assert.deepEqual(await journal.range(0), { first: 1, next: 4 })
    assert.equal(await journal.append(0, frame('f3'), 'f3'), 3, 'kept with its id')
    assert.equal(await journal.append(0, frame('xx'), 'xx'), 4)
    assert.equal(await journal.append(0, frame('f5'), 'f5'), 5, 'appended again')
    const frames = await journal.read(0, 1, 9, 1e6)
    assert.deepEqual(
      frames.map((each) => each.bytes),
      ['f1', 'f2', 'f3', 'xx', 'f5'].map(frame),
    )
    await journal.close()
    assert.deepEqual((await fsckJournal('/journal', { master, files: disk })).findings, [])
  })

  it('reports a damaged group that a later one follows, even without a head', async () => {
    const disk = new FaultyDisk()
    const { offsets } = await fill(disk, 4)
    flip(disk, SEGMENT, (offsets[0] ?? 0) + 70)
    disk.removeFile(HEAD)
    const journal = await open(disk)
    assert.equal(journal.recovery.findings[0]?.sequence, 1)
    assert.equal(await journal.nextReadable(0, 1), 2)
    assert.deepEqual(await journal.range(0), { first: 1, next: 5 })
    await journal.close()
  })

  it('never gives a sequence twice where files were lost', async () => {
    const disk = new FaultyDisk()
    await fill(disk, 4)
    disk.overwrite(SEGMENT, disk.content(SEGMENT).subarray(0, SEGMENT_HEADER_BYTES + 10))
    const shortened = await open(disk)
    assert.ok(shortened.recovery.findings.length > 0)
    assert.equal(await shortened.append(0, frame('n1'), 'n1'), 5)
    await shortened.close()
    for (const path of disk.names.filter((name) => name.endsWith('.seg'))) disk.removeFile(path)
    const emptied = await open(disk)
    assert.equal(await emptied.append(0, frame('n2'), 'n2'), 6)
    await emptied.close()
  })

  it('steps over a segment whose header is damaged', async () => {
    const disk = new FaultyDisk()
    await fill(disk, 4)
    const second = await open(disk)
    await second.append(0, frame('f5'), 'f5')
    await second.close()
    flip(disk, SEGMENT, 40)
    const journal = await open(disk)
    assert.match(journal.recovery.findings[0]?.what ?? '', /header/)
    await assert.rejects(journal.read(0, 1, 9, 1e6), corrupt)
    assert.equal(await journal.nextReadable(0, 1), 5)
    await journal.close()
    assert.equal((await fsckJournal('/journal', { master, files: disk })).findings.length, 1)
  })

  it('refuses a newer format', async () => {
    const disk = new FaultyDisk()
    await fill(disk, 1)
    const content = disk.content(SEGMENT)
    content[9] = 2
    disk.overwrite(SEGMENT, content)
    await assert.rejects(open(disk), { code: 'unsupported' })
  })
})

describe('a failed write', () => {
  it('closes the journal for good: unknown for what was under way, closed for what comes', async () => {
    for (const fault of ['error', 'lost', 'no-room'] as const) {
      const disk = new FaultyDisk()
      const journal = await open(disk)
      await journal.append(0, frame('a'), 'a')
      disk.fault = (call) => (call.name === 'fdatasync' ? fault : undefined)
      const pending = await Promise.allSettled(
        ['b', 'c', 'd'].map((name) => journal.append(0, frame(name), name)),
      )
      for (const each of pending) {
        assert.equal(each.status === 'rejected' && each.reason.code, 'unknown')
      }
      disk.fault = () => undefined
      await assert.rejects(journal.append(0, frame('e'), 'e'), { code: 'closed' })
      assert.ok((await journal.failed) instanceof JournalError)
      assert.equal((await journal.read(0, 1, 9, 1e6)).length, 1)
      await journal.close()
    }
  })

  it('for want of room refuses, leaves the file as it was, and goes on later', async () => {
    const disk = new FaultyDisk()
    const journal = await open(disk)
    await journal.append(0, frame('a'), 'a')
    await journal.append(0, frame('b'), 'b')
    const before = disk.content(SEGMENT)
    disk.fault = (call) => (call.name === 'write' ? 'no-room' : undefined)
    await assert.rejects(journal.append(0, frame('c'), 'c'), { code: 'full' })
    disk.fault = () => undefined
    assert.equal(disk.content(SEGMENT).length, before.length)
    assert.equal(await journal.append(0, frame('c'), 'c'), 3)
    await journal.close()
  })

  it('refuses at 95 % of the disk', async () => {
    const disk = new FaultyDisk()
    disk.disk = { total: 1_000_000, free: 40_000 }
    const journal = await open(disk)
    await assert.rejects(journal.append(0, frame('a'), 'a'), { code: 'full' })
    await journal.close()
  })
})
