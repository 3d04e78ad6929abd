import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventOrigin, SealedEvent } from '../event/sealed-event.ts'
import type { Frame } from './frame.ts'
import {
  decodeFrame,
  encodeFrame,
  FRAME_ENTRIES_MAX,
  FRAME_TEXT_BYTES_MAX,
  FrameCodecError,
  readFrameIndex,
} from './frame-codec.ts'

const plain = <Model>(model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> }) =>
  fc.record(model, { noNullPrototype: true })

const anyText = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x0a ? 0x20 : byte))))

const origin: fc.Arbitrary<EventOrigin> = fc.oneof(
  fc.constant({ kind: 'capture' as const }),
  plain({ kind: fc.constant('delivery' as const), trailArn: fc.string() }),
  plain({ kind: fc.constant('import' as const), jobId: fc.string() }),
  plain({ kind: fc.constant('import' as const), jobId: fc.string(), trailArn: fc.string() }),
)

const intent = {
  eventId: fc.oneof(fc.uuid(), fc.string({ unit: 'grapheme' })),
  account: fc.constantFrom('123456789012', '000000000000', ''),
  region: fc.constantFrom('us-east-1', 'eu-west-3'),
  category: fc.constantFrom(
    'Management' as const,
    'Data' as const,
    'NetworkActivity' as const,
    'Insight' as const,
    'Aggregated' as const,
  ),
  text: anyText,
}

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  plain({
    kind: fc.constant('events' as const),
    events: fc.array(plain({ ...intent, origin }), { maxLength: 20 }),
  }),
  plain({
    kind: fc.constant('intents' as const),
    intents: fc.array(plain(intent), { maxLength: 20 }),
  }),
  plain({
    kind: fc.constant('control' as const),
    topic: fc.string(),
    payload: fc.string({ unit: 'grapheme' }),
  }),
)

const event = (text: string | Buffer): SealedEvent => ({
  text: Buffer.from(text),
  eventId: '8b1a9953-c461-4296-a827-abf8c47804d7',
  account: '123456789012',
  region: 'us-east-1',
  category: 'Management',
  origin: { kind: 'capture' },
})

const withCode = (code: FrameCodecError['code']) => (error: unknown) =>
  error instanceof FrameCodecError && error.code === code

describe('frame codec', () => {
  it('gives every frame back byte for byte', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)
      }),
    )
  })

  it('gives many events back, each with an index entry of its own', () => {
    const events = Array.from({ length: 5_000 }, (_, index) => ({
      ...event(`{"n":${index}}`),
      eventId: index % 2 ? randomUUID() : `imported-${index}`,
      account: String(100_000_000_000 + (index % 700)),
    }))
    const frame: Frame = { kind: 'events', events }
    assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)
  })

  it('reads the index without the texts', () => {
    const long = `{"b":"${'x'.repeat(5000)}"}`
    const frame: Frame = { kind: 'events', events: [event('{"a":1}'), event(long)] }
    const bytes = encodeFrame(frame)
    // Spoil what is compressed: the index does not depend on it.
    bytes.fill(0, 12 + bytes.readUInt32BE(4))
    const { kind, entries } = readFrameIndex(bytes)
    assert.equal(kind, 'events')
    assert.deepEqual(
      entries.map(({ offset, length, eventId }) => ({ offset, length, eventId })),
      [
        { offset: 0, length: 7, eventId: '8b1a9953-c461-4296-a827-abf8c47804d7' },
        { offset: 8, length: long.length, eventId: '8b1a9953-c461-4296-a827-abf8c47804d7' },
      ],
    )
    assert.throws(() => decodeFrame(bytes), withCode('corrupt'))
  })

  it('compresses long texts and leaves short ones as they are', () => {
    const short = encodeFrame({ kind: 'events', events: [event('{"a":243.0}')] })
    assert.ok(short.includes('{"a":243.0}'))
    const text = `{"b":"${'x'.repeat(5000)}"}`
    const long = encodeFrame({ kind: 'events', events: [event(text)] })
    assert.ok(long.length < 500)
    for (const bytes of [short, long]) {
      const spoilt = Buffer.from(bytes)
      spoilt[2] = 7
      assert.throws(() => decodeFrame(spoilt), withCode('corrupt'))
    }
  })

  it('answers damaged bytes with a coded error, never with another frame', () => {
    const whole = encodeFrame({ kind: 'events', events: [event('{"a":1}'), event('{"b":2}')] })
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        try {
          decodeFrame(bytes)
        } catch (error) {
          assert.ok(error instanceof FrameCodecError, String(error))
        }
        assert.throws(() => decodeFrame(whole.subarray(0, at)), FrameCodecError)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        assert.throws(() => decodeFrame(Buffer.from(noise)), FrameCodecError)
      }),
    )
  })

  it('tells a newer version from damage', () => {
    const bytes = encodeFrame({ kind: 'control', topic: 'trail', payload: '{}' })
    bytes[0] = 2
    assert.throws(() => readFrameIndex(bytes), withCode('newer-version'))
  })

  it('takes one large event and refuses what is over the limits', () => {
    const large = event('x'.repeat(FRAME_TEXT_BYTES_MAX - 1))
    const decoded = decodeFrame(encodeFrame({ kind: 'events', events: [large] }))
    assert.equal(decoded.kind === 'events' && decoded.events[0]?.text.equals(large.text), true)
    const over = event('x'.repeat(FRAME_TEXT_BYTES_MAX))
    assert.throws(() => encodeFrame({ kind: 'events', events: [over] }), withCode('too-large'))
    const many = Array.from({ length: FRAME_ENTRIES_MAX + 1 }, () => event('{}'))
    assert.throws(() => encodeFrame({ kind: 'events', events: many }), withCode('too-large'))
    const lines = event('{\n}')
    assert.throws(() => encodeFrame({ kind: 'events', events: [lines] }), withCode('invalid'))
  })
})
