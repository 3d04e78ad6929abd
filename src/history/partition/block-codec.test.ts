import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EncryptionError, masterKeyOf } from '../../platform/encryption.ts'
import { HistoryError } from '../history-error.ts'
import { TEST_MASTER } from '../testing/folder-history.ts'
import {
  BLOCK_HEADER_BYTES,
  cipherOfHeader,
  decodeBlock,
  encodeBlock,
  FILE_HEADER_BYTES,
  intactBlockAt,
  newBlockFile,
  type StoredEvent,
  scanBlocks,
} from './block-codec.ts'

const place = { day: '2026-03-02', file: 3, offset: 76 }
const { header, cipher } = newBlockFile(TEST_MASTER)

const eventArbitrary: fc.Arbitrary<StoredEvent> = fc.record(
  {
    shard: fc.nat(64),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    index: fc.nat(10_000),
    eventId: fc.string(),
    account: fc.string(),
    region: fc.string(),
    category: fc.constantFrom('Management' as const, 'Insight' as const),
    text: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
)
const eventsArbitrary = fc.array(eventArbitrary, { minLength: 1, maxLength: 48 })

const sample: StoredEvent = {
  ...{ shard: 0, sequence: 1, index: 0, eventId: 'e', account: 'a', region: 'r' },
  ...{ category: 'Management', text: Buffer.from('{"n":243.0}') },
}

describe('block codec', () => {
  it('gives back what was put in, byte for byte', () => {
    fc.assert(
      fc.property(eventsArbitrary, (events) => {
        const block = encodeBlock(events, place, cipher)
        assert.equal(intactBlockAt(block, 0), block.length)
        const opened = decodeBlock(block, place, cipher)
        assert.deepEqual(
          opened.map((event) => ({ ...event, text: Buffer.from(event.text) })),
          events,
        )
      }),
      { numRuns: 60 },
    )
  })

  it('shows nothing of the text on disk', () => {
    const block = encodeBlock([sample], place, cipher)
    assert.equal(block.includes('243.0'), false)
  })

  it('opens a block at its own place only', () => {
    const block = encodeBlock([sample], place, cipher)
    for (const other of [{ day: '2026-03-03' }, { file: 4 }, { offset: 77 }]) {
      assert.throws(() => decodeBlock(block, { ...place, ...other }, cipher), EncryptionError)
    }
  })

  it('finds every changed byte', () => {
    const block = encodeBlock([sample], place, cipher)
    for (let at = 0; at < block.length; at++) {
      const changed = Buffer.from(block)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.notEqual(intactBlockAt(changed, 0), block.length, `byte ${at}`)
    }
  })

  it('finds intact blocks behind damage and the end behind the last of them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.boolean()), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 40 }),
        (parts, tail) => {
          const pieces: Buffer[] = []
          const blocks: number[] = []
          let at = 0
          for (const [garbage, isBlock] of parts) {
            const piece = isBlock
              ? encodeBlock([sample], { ...place, offset: at }, cipher)
              : Buffer.from(garbage)
            if (isBlock) blocks.push(at)
            pieces.push(piece)
            at += piece.length
          }
          const bytes = Buffer.concat([...pieces, Buffer.from(tail)])
          const scan = scanBlocks(bytes, 0)
          assert.deepEqual(
            scan.blocks.map(({ offset }) => offset),
            blocks,
          )
          const last = scan.blocks.at(-1)
          assert.equal(scan.end, last === undefined ? 0 : last.offset + last.length)
          const sum = [...scan.blocks, ...scan.damaged].reduce((n, { length }) => n + length, 0)
          assert.equal(sum, scan.end)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('refuses a header of a newer version, of another key, and one that is damaged', () => {
    assert.ok(cipherOfHeader(header, TEST_MASTER))
    const newer = Buffer.from(header)
    newer.writeUInt16BE(2, 8)
    assert.throws(
      () => cipherOfHeader(newer, TEST_MASTER),
      (error) => error instanceof HistoryError && error.code === 'newer-format',
    )
    const other = masterKeyOf(Buffer.alloc(32, 8))
    assert.throws(() => cipherOfHeader(header, other), EncryptionError)
    const damaged = Buffer.from(header)
    damaged[20] = (damaged[20] ?? 0) ^ 1
    assert.equal(cipherOfHeader(damaged, TEST_MASTER), undefined)
    assert.equal(cipherOfHeader(header.subarray(0, FILE_HEADER_BYTES - 1), TEST_MASTER), undefined)
  })

  it('refuses a directory that does not describe the text', () => {
    const block = encodeBlock([sample], place, cipher)
    const two = Buffer.from(block)
    two.writeUInt16BE(2, 8)
    assert.throws(
      () => decodeBlock(two, place, cipher),
      (error) => error instanceof HistoryError && error.code === 'damaged-block',
    )
    assert.ok(block.length > BLOCK_HEADER_BYTES)
  })
})
