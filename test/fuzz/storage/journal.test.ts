/** Journal and spool whose files were damaged: what is read was written, and what is gone is told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeFrame } from '../../../src/journal/frame-codec.ts'
import { fsckJournal } from '../../../src/journal/fsck.ts'
import type { JournalReader } from '../../../src/journal/journal.ts'
import { scanFrames } from '../../../src/journal/scan.ts'
import { openSegmentJournal, type SegmentJournal } from '../../../src/journal/segment-journal.ts'
import { openSpool } from '../../../src/journal/spool/spool.ts'
import { eventOf, hastyClock, master } from '../../../src/journal/testing/harness.ts'
import { CodedError } from '../../../src/platform/errors.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { FaultyDisk } from '../../faults/journal-disk.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'

const FOLDER = '/journal'
const base = { master, clock: hastyClock, logger: silentLogger, maxBytes: 1e9 }

const open = (disk: FaultyDisk): Promise<SegmentJournal> =>
  openSegmentJournal(FOLDER, { ...base, files: disk, shards: 1, segmentBytes: 2_000 })

const frameOf = (number: number): Buffer => {
  const text = `{"n":${number},"filler":"${'f'.repeat((number * 97) % 400)}"}`
  return encodeFrame({ kind: 'events', events: [eventOf(text, { eventId: `e${number}` })] })
}

const readAll = async (journal: JournalReader): Promise<[sequence: number, bytes: string][]> => {
  const { first, next } = await journal.range(0)
  const found: [number, string][] = []
  for await (const { sequence, bytes } of scanFrames(journal, 0, first, next)) {
    found.push([sequence, bytes.toString('hex')])
  }
  return found
}

const collected = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Nothing but coded errors may come out of opening damaged files. */
const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
  try {
    return await work()
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error))
    return undefined
  }
}

const written = async (disk: FaultyDisk, count: number): Promise<Map<number, string>> => {
  const journal = await open(disk)
  const frames = new Map<number, string>()
  for (let number = 1; number <= count; number++) {
    const frame = frameOf(number)
    frames.set(await journal.append(0, frame, `id ${number}`), frame.toString('hex'))
  }
  await journal.close()
  return frames
}

const damage = (disk: FaultyDisk, paths: readonly string[], at: number, changes: Mutation[]) => {
  const path = paths[at % paths.length]
  assert.ok(path)
  const before = disk.content(path)
  const after = mutate(before, changes)
  disk.overwrite(path, after)
  return { path, isChanged: !after.equals(before) }
}

describe('a damaged journal', () => {
  it('gives back what was written, at its place, and tells what is gone', () =>
    holds<[number, number, Mutation[]]>(
      60,
      [fc.integer({ min: 1, max: 14 }), fc.nat(), mutations],
      async (count, at, changes) => {
        const disk = new FaultyDisk()
        const frames = await written(disk, count)
        const segments = disk.names.filter((name) => name.endsWith('.seg'))
        const { isChanged } = damage(disk, segments, at, changes)
        const report = await attempt(() => fsckJournal(FOLDER, { master, files: disk }))
        const journal = await attempt(() => open(disk))
        if (journal === undefined) return
        const found = await readAll(journal)
        for (const [sequence, bytes] of found) assert.equal(bytes, frames.get(sequence))
        if (found.length < frames.size) {
          assert.ok(isChanged)
          assert.ok(journal.recovery.findings.length > 0 || (report?.findings.length ?? 1) > 0)
          assert.ok((report?.findings.length ?? 1) > 0, 'fsck tells it')
        }
        // A number is never given twice.
        const next = await journal.append(0, frameOf(99), 'another')
        assert.ok(next > frames.size, `${next} of ${frames.size}`)
        await journal.close()
      },
    ))

  it('whose other files are damaged invents nothing', () =>
    holds<[number, number, Mutation[]]>(
      50,
      [fc.integer({ min: 1, max: 8 }), fc.nat(), mutations],
      async (count, at, changes) => {
        const disk = new FaultyDisk()
        const frames = await written(disk, count)
        const others = disk.names.filter((name) => !name.endsWith('.seg'))
        damage(disk, others, at, changes)
        await attempt(() => fsckJournal(FOLDER, { master, files: disk }))
        const journal = await attempt(() => open(disk))
        if (journal === undefined) return
        for (const [sequence, bytes] of await readAll(journal)) {
          assert.equal(bytes, frames.get(sequence))
        }
        await journal.close()
      },
    ))
})

describe('a damaged spool', () => {
  it('drains what was put into it, and nothing else', () =>
    holds<[number, number, Mutation[]]>(
      50,
      [fc.integer({ min: 1, max: 8 }), fc.nat(), mutations],
      async (count, at, changes) => {
        const disk = new FaultyDisk()
        const spool = await openSpool('/spool', { ...base, files: disk })
        for (let number = 1; number <= count; number++)
          await spool.put(number % 3, number, frameOf(number))
        await spool.close()
        damage(
          disk,
          disk.names.filter((name) => name.endsWith('.seg')),
          at,
          changes,
        )
        const again = await attempt(() => openSpool('/spool', { ...base, files: disk }))
        if (again === undefined) return
        const read = await attempt(() => collected(again.entries()))
        for (const { position, shard, from, frame } of read ?? []) {
          assert.deepEqual(
            [shard, from, frame.toString('hex')],
            [position % 3, position, frameOf(position).toString('hex')],
          )
        }
        await again.close()
      },
    ))
})
