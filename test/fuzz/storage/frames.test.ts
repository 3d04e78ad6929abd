/** The codecs of frames and spool records: any bytes are what was written, or an error. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventCategory, EventOrigin, SealedEvent } from '../../../src/event/sealed-event.ts'
import type { Frame } from '../../../src/journal/frame.ts'
import {
  decodeFrame,
  encodeFrame,
  FrameCodecError,
  readFrameIndex,
} from '../../../src/journal/frame-codec.ts'
import { JournalError } from '../../../src/journal/journal.ts'
import { decodeSpoolRecord, encodeSpoolRecord } from '../../../src/journal/spool/spool-record.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  // Long enough that a frame is compressed.
  fc.string({ minLength: 1, maxLength: 9 }).map((piece) => piece.repeat(500)),
)
const line = text.map((given) => Buffer.from(given.replaceAll('\n', ' ')))
const category = fc.constantFrom<EventCategory>(
  ...(['Management', 'Data', 'NetworkActivity', 'Insight', 'Aggregated'] as const),
)
const name = fc.string({ maxLength: 12 }).map((given) => given.toWellFormed())
const origin: fc.Arbitrary<EventOrigin> = fc.oneof(
  fc.constant({ kind: 'capture' as const }),
  fc.record({ kind: fc.constant('delivery' as const), trailArn: name }),
  fc.record(
    { kind: fc.constant('import' as const), jobId: name, trailArn: name },
    { requiredKeys: ['kind', 'jobId'] },
  ),
)
const eventId = fc.oneof(fc.uuid(), name)
const facts = { text: line, eventId, account: name, region: name, category }
const events: fc.Arbitrary<SealedEvent[]> = fc.array(fc.record({ ...facts, origin }), {
  maxLength: 4,
})

const frames: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 3, arbitrary: events.map((list): Frame => ({ kind: 'events', events: list })) },
  fc
    .array(fc.record(facts), { maxLength: 3 })
    .map((intents): Frame => ({ kind: 'intents', intents })),
  fc.record({
    kind: fc.constant('control' as const),
    topic: name,
    payload: name.map((given) => given.replaceAll('\n', '')),
  }),
)

/** Texts as copies, which compare by their bytes. */
const plain = (frame: Frame): unknown =>
  JSON.parse(
    JSON.stringify(frame, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  )

const coded =
  (...kinds: (new (...args: never[]) => Error)[]) =>
  (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      assert.ok(
        kinds.some((kind) => error instanceof kind),
        String(error),
      )
      return undefined
    }
  }

describe('a frame', () => {
  it('comes back as it was written', () =>
    holds<[Frame]>(100, [frames], (frame) => {
      const bytes = encodeFrame(frame)
      assert.deepEqual(plain(decodeFrame(bytes)), plain(frame))
      assert.equal(readFrameIndex(bytes).kind, frame.kind)
    }))

  it('of mutated or any bytes is a frame or a coded error', () =>
    holds<[Frame, Mutation[], Uint8Array]>(
      500,
      [frames, mutations, fc.uint8Array({ maxLength: 80 })],
      (frame, changes, junk) => {
        const attempt = coded(FrameCodecError)
        for (const bytes of [mutate(encodeFrame(frame), changes), Buffer.from(junk)]) {
          const index = attempt(() => readFrameIndex(bytes))
          const whole = attempt(() => decodeFrame(bytes))
          // Nothing is read behind the frame's own texts.
          if (whole !== undefined) assert.ok(index !== undefined)
        }
      },
    ))

  it('of the spool too', () =>
    holds<[number, number, Mutation[]]>(
      300,
      [fc.nat(), fc.nat(), mutations],
      (shard, from, changes) => {
        const frame = Buffer.from('frame')
        const bytes = encodeSpoolRecord({ kind: 'entry', shard, from, frame })
        assert.deepEqual(decodeSpoolRecord(bytes), { kind: 'entry', shard, from, frame })
        coded(JournalError)(() => decodeSpoolRecord(mutate(bytes, changes)))
        const drained = encodeSpoolRecord({ kind: 'drained', position: from })
        assert.deepEqual(decodeSpoolRecord(drained), { kind: 'drained', position: from })
        coded(JournalError)(() => decodeSpoolRecord(mutate(drained, changes)))
      },
    ))
})
