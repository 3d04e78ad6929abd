import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  FRAME_BYTES_MAX,
  type Journal,
  JournalError,
  type JournalReader,
  type StoredFrame,
} from '../../src/journal/journal.ts'

/** A journal and a reader of it, which may be the journal itself or live in another process. */
export interface JournalSetting {
  readonly journal: Journal
  readonly reader: JournalReader
  /** Moves the clock on, for the two minutes in which an id is remembered. */
  advance(ms: number): void
  /** Closes both and opens them again over the same state; the members above are then the new ones. */
  reopen(): Promise<void>
  remove(): Promise<void>
}

const withCode = (code: JournalError['code']) => (error: unknown) =>
  error instanceof JournalError && error.code === code

const bytesOf = (frames: readonly StoredFrame[]): string[] =>
  frames.map((frame) => frame.bytes.toString('hex'))

const never = new AbortController().signal

/** What every implementation of `Journal` must satisfy (reference/cluster.md, "`Journal` needs"). */
export const journalContract = (
  name: string,
  /** A new journal; `smallSegments`: truncation can drop parts of a few kilobytes. */
  create: (options: { smallSegments: boolean }) => Promise<JournalSetting>,
): void => {
  const using = (
    title: string,
    body: (setting: JournalSetting) => Promise<void>,
    smallSegments = false,
  ): void => {
    it(title, async () => {
      const setting = await create({ smallSegments })
      try {
        await body(setting)
      } finally {
        await setting.remove()
      }
    })
  }

  describe(`journal: ${name}`, () => {
    using('numbers frames densely from 1 in every shard and gives their bytes back', async (s) => {
      for (const shard of s.journal.shards) {
        assert.deepEqual(await s.reader.range(shard), { first: 1, next: 1 })
        assert.deepEqual(await s.reader.read(shard, 1, 10, 1_000), [])
      }
      const sent = new Map(s.journal.shards.map((shard) => [shard, [] as Buffer[]]))
      for (let index = 0; index < 30; index++) {
        for (const shard of s.journal.shards) {
          const frame = randomBytes(index * 7)
          const sequence = await s.journal.append(shard, frame, randomUUID())
          sent.get(shard)?.push(frame)
          assert.equal(sequence, index + 1)
        }
      }
      for (const [shard, frames] of sent) {
        const read = await s.reader.read(shard, 1, 100, 1_000_000)
        assert.deepEqual(
          bytesOf(read),
          frames.map((frame) => frame.toString('hex')),
        )
        assert.deepEqual(await s.reader.range(shard), { first: 1, next: 31 })
      }
    })

    using('gives concurrent appends one sequence each, without a hole', async (s) => {
      const frames = Array.from({ length: 200 }, () => randomBytes(50))
      const sequences = await Promise.all(
        frames.map((frame) => s.journal.append(0, frame, randomUUID())),
      )
      assert.deepEqual(
        [...sequences].sort((a, b) => a - b),
        frames.map((_, index) => index + 1),
      )
      const read = await s.reader.read(0, 1, 1_000, 1_000_000)
      frames.forEach((frame, index) => {
        assert.ok(read[(sequences[index] ?? 0) - 1]?.bytes.equals(frame))
      })
    })

    using('stores an id once within two minutes, whatever happens in between', async (s) => {
      const frame = Buffer.from('frame')
      const first = await s.journal.append(0, frame, 'id')
      const concurrent = await Promise.all([
        s.journal.append(0, frame, 'twice'),
        s.journal.append(0, frame, 'twice'),
        s.journal.append(0, frame, 'id'),
      ])
      assert.deepEqual(concurrent, [first + 1, first + 1, first])
      s.advance(60_000)
      await s.reopen()
      assert.equal(await s.journal.append(0, frame, 'id'), first)
      s.advance(61_000)
      assert.equal(await s.journal.append(0, frame, 'id'), first + 2)
    })

    using('reads from anywhere, within limits, and nothing at the end', async (s) => {
      for (let index = 1; index <= 20; index++) {
        await s.journal.append(0, Buffer.alloc(100, index), String(index))
      }
      const sequencesOf = async (from: number, limit: number, bytes: number) =>
        (await s.reader.read(0, from, limit, bytes)).map((frame) => frame.sequence)
      assert.deepEqual(await sequencesOf(5, 3, 1_000), [5, 6, 7])
      assert.deepEqual(await sequencesOf(18, 10, 1_000), [18, 19, 20])
      assert.deepEqual(await sequencesOf(7, 10, 250), [7, 8, 9])
      assert.deepEqual(await sequencesOf(7, 10, 1), [7], 'at least one')
      assert.deepEqual(await sequencesOf(21, 10, 1_000), [])
      assert.deepEqual(await sequencesOf(99, 10, 1_000), [])
      assert.equal(await s.reader.nextReadable(0, 4), 4)
      assert.equal(await s.reader.nextReadable(0, 50), 21)
    })

    using('takes frames up to the limit and refuses larger ones', async (s) => {
      const largest = randomBytes(FRAME_BYTES_MAX)
      await s.journal.append(0, largest, 'a')
      await assert.rejects(
        s.journal.append(0, Buffer.alloc(FRAME_BYTES_MAX + 1), 'b'),
        withCode('too-large'),
      )
      const [stored] = await s.reader.read(0, 1, 10, 10)
      assert.ok(stored?.bytes.equals(largest))
      assert.deepEqual(await s.reader.range(0), { first: 1, next: 2 })
    })

    using('waits for a frame behind a sequence', async (s) => {
      const waiting = s.reader.wait(0, 0, never)
      await s.journal.append(0, Buffer.from('x'), 'a')
      await waiting
      await s.reader.wait(0, 0, never)
      const aborted = new AbortController()
      const rejected = assert.rejects(s.reader.wait(0, 1, aborted.signal), /enough/)
      aborted.abort(new Error('enough'))
      await rejected
      const both = [s.reader.wait(0, 1, never), s.reader.wait(0, 2, never)]
      await s.journal.append(0, Buffer.from('x'), 'b')
      await s.journal.append(0, Buffer.from('x'), 'c')
      await Promise.all(both)
    })

    using(
      'truncates, tells who reads below, and keeps counting',
      async (s) => {
        for (let index = 0; index < 60; index++) {
          await s.journal.append(0, randomBytes(1_000), String(index))
        }
        await s.journal.truncate(0, 41)
        const { first, next } = await s.reader.range(0)
        assert.equal(next, 61)
        assert.ok(first > 1 && first <= 41, `first is ${first}`)
        await assert.rejects(s.reader.read(0, first - 1, 10, 1_000), withCode('truncated'))
        assert.equal((await s.reader.read(0, first, 100, 1_000_000)).length, 61 - first)
        assert.equal(await s.reader.nextReadable(0, 1), first)
        await s.journal.truncate(0, 10)
        assert.deepEqual(await s.reader.range(0), { first, next: 61 })
        await s.journal.truncate(0, 1_000)
        await s.reopen()
        assert.equal((await s.reader.range(0)).next, 61)
        assert.equal(await s.journal.append(0, Buffer.from('x'), 'after'), 61)
      },
      true,
    )

    using('has everything that was acknowledged after it was opened again', async (s) => {
      const frames = Array.from({ length: 50 }, () => randomBytes(300))
      for (const frame of frames) await s.journal.append(0, frame, randomUUID())
      await s.reopen()
      const read = await s.reader.read(0, 1, 100, 1_000_000)
      assert.deepEqual(
        bytesOf(read),
        frames.map((frame) => frame.toString('hex')),
      )
      assert.equal(await s.journal.append(0, Buffer.from('x'), 'after'), 51)
      assert.equal((await s.reader.read(0, 51, 1, 100))[0]?.bytes.toString(), 'x')
    })

    using('refuses everything once closed, and ends those who wait', async (s) => {
      await s.journal.append(0, Buffer.from('x'), 'a')
      const ended = assert.rejects(s.journal.wait(0, 1, never), withCode('closed'))
      await s.journal.close()
      await ended
      await assert.rejects(s.journal.append(0, Buffer.from('x'), 'b'), withCode('closed'))
      await assert.rejects(s.journal.read(0, 1, 1, 1), withCode('closed'))
    })
  })
}
