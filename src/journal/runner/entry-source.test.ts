import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../platform/logger.ts'
import { encodeFrame } from '../frame-codec.ts'
import { JournalError, type JournalReader, type StoredFrame } from '../journal.ts'
import { createEntrySource } from './entry-source.ts'
import { createHeadClock } from './head-clock.ts'

/** A journal of given frames that counts how often it is read. */
const readerOf = (frames: readonly Buffer[]) => {
  const state = { reads: 0 }
  const reader: JournalReader = {
    shards: [0],
    read: async (_, from, limit) => {
      state.reads++
      const stored: StoredFrame[] = frames.map((bytes, index) => ({ sequence: index + 1, bytes }))
      return stored.slice(from - 1, from - 1 + limit)
    },
    nextReadable: async (_, from) => from,
    range: async () => ({ first: 1, next: frames.length + 1 }),
    wait: async () => {},
  }
  return { reader, state }
}

const frame = (topic: string): Buffer => encodeFrame({ kind: 'control', topic, payload: 'x' })

describe('entry source', () => {
  it('reads and decodes once for consumers at the same place', async () => {
    const { reader, state } = readerOf(['a', 'b', 'c'].map(frame))
    const source = createEntrySource(reader, silentLogger)
    const [one, two] = await Promise.all([
      source.read(0, 1, 10, 1_000),
      source.read(0, 1, 10, 1_000),
    ])
    const later = await source.read(0, 2, 1, 1_000)
    assert.ok(one.kind === 'entries' && two.kind === 'entries' && later.kind === 'entries')
    assert.equal(one.entries.length, 3)
    assert.equal(one.entries, two.entries)
    assert.equal(later.entries[0], one.entries[1])
    assert.equal(state.reads, 1)
  })

  it('steps over a frame without a known form, after those before it', async () => {
    const { reader } = readerOf([
      frame('a'),
      Buffer.from('\u0001noise and nothing else'),
      frame('c'),
    ])
    const source = createEntrySource(reader, silentLogger)
    const first = await source.read(0, 1, 10, 1_000)
    assert.equal(first.kind === 'entries' && first.entries.length, 1)
    assert.deepEqual(await source.read(0, 2, 10, 1_000), { kind: 'skip', to: 3, reason: 'corrupt' })
  })

  it('does not step over what a newer version wrote, nor over a failing disk', async () => {
    const newer = frame('a')
    newer[0] = 9
    const source = createEntrySource(readerOf([newer]).reader, silentLogger)
    await assert.rejects(source.read(0, 1, 10, 1_000), { code: 'newer-version' })
    const { reader } = readerOf([])
    const closed = { ...reader, read: () => Promise.reject(new JournalError('closed', 'closed')) }
    await assert.rejects(createEntrySource(closed, silentLogger).read(0, 1, 1, 1), {
      code: 'closed',
    })
  })
})

describe('head clock', () => {
  it('tells how long the first frame not taken has been waiting', () => {
    const clock = createHeadClock()
    assert.equal(clock.lagMs(0, 5_000), 0)
    clock.sample(10, 1_000)
    clock.sample(10, 2_000)
    clock.sample(20, 3_000)
    assert.equal(clock.lagMs(20, 9_000), 0)
    assert.equal(clock.lagMs(15, 9_000), 6_000)
    assert.equal(clock.lagMs(3, 9_000), 8_000)
    assert.equal(clock.head, 20)
  })
})
