import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { eventOf, NOW } from '../../test/contracts/history.ts'
import type { SealedEvent } from '../event/sealed-event.ts'
import { TEST_MASTER } from '../history/testing/folder-history.ts'
import { encodeFrame } from '../journal/frame-codec.ts'
import { JournalError, type JournalReader } from '../journal/journal.ts'
import { openSegmentJournal, openSegmentJournalReader } from '../journal/segment-journal.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import { createOutput } from './output/stream.ts'
import { runTail, type TailRun } from './tail.ts'

/** A journal in memory: two shards of frames, whose first ones may be dropped. */
const memoryJournal = () => {
  const shards = [0, 1].map(() => ({ first: 1, frames: [] as Buffer[] }))
  let wake = Promise.withResolvers<void>()
  const shardOf = (shard: number) => shards[shard] ?? { first: 1, frames: [] }
  const nextOf = (shard: number) => shardOf(shard).first + shardOf(shard).frames.length
  const journal: JournalReader = {
    shards: [0, 1],
    read: async (shard, from, limit) => {
      const { first, frames } = shardOf(shard)
      if (from < first) throw new JournalError('truncated', `${from} is gone.`)
      return frames
        .slice(from - first, from - first + limit)
        .map((bytes, at) => ({ sequence: from + at, bytes }))
    },
    nextReadable: async (shard, from) => Math.max(from, shardOf(shard).first),
    range: async (shard) => ({ first: shardOf(shard).first, next: nextOf(shard) }),
    wait: async (shard, after, signal) => {
      const aborted = Promise.withResolvers<never>()
      aborted.promise.catch(() => {})
      signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
      if (signal.aborted) throw signal.reason
      while (nextOf(shard) <= after + 1) await Promise.race([wake.promise, aborted.promise])
    },
  }
  return {
    journal,
    append: (shard: number, ...events: SealedEvent[]): void => {
      shardOf(shard).frames.push(encodeFrame({ kind: 'events', events }))
      wake.resolve()
      wake = Promise.withResolvers()
    },
    drop: (shard: number, count: number): void => {
      const target = shardOf(shard)
      target.frames.splice(0, count)
      target.first += count
    },
  }
}

/** A stream, and a promise of the moment at which it has so many lines. */
const lineSink = () => {
  const stream = new PassThrough()
  const lines: string[] = []
  let waiting: { count: number; resolve: () => void } | undefined
  stream.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n').filter(Boolean))
    if (waiting !== undefined && lines.length >= waiting.count) waiting.resolve()
  })
  const reached = (count: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting = { count, resolve }
    if (lines.length >= count) resolve()
    return promise
  }
  return { stream, lines, reached }
}

const runOf = (journal: JournalReader, stream: Writable, more: Partial<TailRun> = {}): TailRun => ({
  ...{ journal, output: createOutput(stream), history: true, follow: false, json: true },
  filter: { attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER },
  ...{ colours: false, notice: () => {}, signal: new AbortController().signal },
  ...more,
})

const event = (id: string, more = {}): SealedEvent => eventOf({ id, time: NOW, ...more })
const ids = (lines: readonly string[]): string[] => lines.map((line) => JSON.parse(line).eventID)

describe('clew tail', () => {
  it('writes what the journal has, every shard, account and category, and ends', async () => {
    const { journal, append } = memoryJournal()
    append(0, event('a'), event('b', { category: 'Data' }))
    append(1, event('c', { account: '999999999999', category: 'NetworkActivity' }))
    const { stream, lines } = lineSink()
    await runTail(runOf(journal, stream))
    assert.deepEqual(ids(lines).sort(), ['a', 'b', 'c'])
    assert.equal(lines[0], event('a').text.toString())
  })

  it('follows from now on until it is interrupted', async () => {
    const { journal, append } = memoryJournal()
    append(0, event('before'))
    const { stream, lines, reached } = lineSink()
    const stop = new AbortController()
    const running = runTail(
      runOf(journal, stream, { follow: true, history: false, signal: stop.signal }),
    )
    await journal.range(0)
    append(0, event('one'))
    append(1, event('two'))
    await reached(2)
    append(0, event('three'))
    await reached(3)
    stop.abort()
    await running
    assert.deepEqual(ids(lines).sort(), ['one', 'three', 'two'])
  })

  it('filters', async () => {
    const { journal, append } = memoryJournal()
    append(
      0,
      event('a', { user: 'bob' }),
      event('b'),
      event('c', { user: 'bob', category: 'Data' }),
    )
    const { stream, lines } = lineSink()
    const filter = {
      ...{ attributes: [{ key: 'Username' as const, value: 'bob' }], from: 0, to: NOW },
    }
    await runTail(runOf(journal, stream, { filter, category: 'Management' }))
    assert.deepEqual(ids(lines), ['a'])
  })

  it('says what the journal dropped under it and goes on', async () => {
    const { journal, append, drop } = memoryJournal()
    for (const id of ['a', 'b', 'c']) append(0, event(id))
    const { stream, lines } = lineSink()
    const notices: string[] = []
    const dropping: JournalReader = {
      ...journal,
      range: async (shard) => {
        const range = await journal.range(shard)
        if (shard === 0 && range.first === 1) drop(0, 2)
        return range
      },
    }
    await runTail(runOf(dropping, stream, { notice: (line) => notices.push(line) }))
    assert.deepEqual(ids(lines), ['c'])
    assert.deepEqual(notices, ['2 frames of the journal were left out: 1 is gone.'])
  })

  it('ends when nobody reads any more', async () => {
    const { journal, append } = memoryJournal()
    append(0, event('a'), event('b'), event('c'))
    const gone = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('x'), { code: 'EPIPE' })),
    })
    // Shard 1 has nothing and would wait for ever.
    await runTail(runOf(journal, gone, { follow: true }))
    assert.ok(gone.errored)
  })

  it('fails when the journal does', async () => {
    const { journal } = memoryJournal()
    const failing: JournalReader = {
      ...journal,
      read: async () => {
        throw new JournalError('closed', 'The journal is closed.')
      },
    }
    await assert.rejects(runTail(runOf(failing, new PassThrough(), { follow: true })), /is closed/)
  })

  it('reads the journal of a server while it writes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clew-tail-'))
    const written = await openSegmentJournal(folder, {
      ...{ master: TEST_MASTER, shards: 1, clock: systemClock, logger: silentLogger },
      maxBytes: 1e9,
    })
    const reader = await openSegmentJournalReader(folder, {
      master: TEST_MASTER,
      clock: systemClock,
    })
    try {
      const frame = (id: string) => encodeFrame({ kind: 'events', events: [event(id)] })
      await written.append(0, frame('a'), 'a')
      const { stream, lines, reached } = lineSink()
      const stop = new AbortController()
      const running = runTail(runOf(reader, stream, { follow: true, signal: stop.signal }))
      await reached(1)
      await written.append(0, frame('b'), 'b')
      await reached(2)
      stop.abort()
      await running
      assert.deepEqual(ids(lines), ['a', 'b'])
    } finally {
      await reader.close()
      await written.close()
      rmSync(folder, { recursive: true })
    }
  })
})
