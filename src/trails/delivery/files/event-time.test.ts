import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eventTimeOf } from './event-time.ts'

const TIME = '2026-03-02T08:15:20Z'

/** Keys and texts that look like what is looked for, and what hides it. */
const tricky = fc.oneof(
  fc.constantFrom(
    'eventTime',
    '"eventTime":"x"',
    '\\"eventTime\\":',
    '{"eventTime":"2000-01-01T00:00:00Z"}',
    'eventTime":"',
    '\\',
    '}]{["',
    'é"ß',
  ),
  fc.string(),
)
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  tricky,
  fc.dictionary(tricky, tricky, { maxKeys: 4 }),
  fc.array(tricky, { maxLength: 3 }),
)
const record = fc.array(fc.tuple(tricky, value), { maxLength: 8 }).chain((members) =>
  fc.nat(members.length).map((place) => {
    const others = members.filter(([name]) => name !== 'eventTime')
    return Object.fromEntries(others.toSpliced(place, 0, ['eventTime', TIME]))
  }),
)

describe('eventTimeOf', () => {
  it("finds the record's own, wherever it stands and whatever is around it", () => {
    fc.assert(
      fc.property(record, fc.constantFrom(undefined, 1, '\t'), (fields, space) => {
        assert.equal(eventTimeOf(Buffer.from(JSON.stringify(fields, undefined, space))), TIME)
      }),
      { numRuns: 2_000 },
    )
  })

  it('says nothing of a record that has none, or none in a simple form', () => {
    for (const text of [
      '{}',
      '',
      '{"eventTime"',
      '{"eventTime":"2026',
      '{"eventTime":1772439320}',
      '{"eventTime":null,"userIdentity":{"eventTime":"2026-03-02T08:15:20Z"}}',
      '{"a":"eventTime","b":"2026-03-02T08:15:20Z"}',
      '{"a":["eventTime","2026-03-02T08:15:20Z"]}',
      '{"eventTime":"2026-03-02T08\\u003a15:20Z"}',
      '{"eventTime":"2026-03-02T08:15:20é"}',
      `{"eventTime":"${'2'.repeat(100)}"}`,
      '{"event\\u0054ime":"2026-03-02T08:15:20Z"}',
    ]) {
      assert.equal(eventTimeOf(Buffer.from(text)), undefined, text)
    }
  })

  it('never fails, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = eventTimeOf(Buffer.from(bytes))
        assert.ok(found === undefined || typeof found === 'string')
      }),
    )
  })
})
