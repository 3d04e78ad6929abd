import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  array,
  constantFrom,
  integer,
  jsonValue,
  property,
  assert as propertyHolds,
  string,
  tuple,
  uint8Array,
} from 'fast-check'
import { RECORD_MEMBERS, RecordOutline } from './record-outline.ts'
import { NO_VALUE, skipSpace, skipValue } from './skip-value.ts'

const outline = new RecordOutline()

const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined // it is no JSON
  }
}

/** Pieces of JSON, and what is nearly some: put together at random, every other text has a fault. */
const PIECES = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '"a"', '"\\u00e9"', '"\\u12"', '"\\x"', '"\\""'],
  ...['0', '-', '01', '1.', '1.5', '.5', '1e', '1E+5', '-0', '2e-1', '+1', '1.5e3', '12'],
  ...['true', 'false', 'null', 'tru', 'nul', 'truex', ' ', '\n', '\t', '\r', '\u00a0', '\u0001'],
  ...['{}', '[]', '{"b":1}', '[1,2]', '"é"', '"\ud83d\ude00"', '"\u2028"', '\ufeff', '"\u007f"'],
]

/** Where the walk says that a value ends, JSON.parse takes exactly that much. */
const checkWalk = (bytes: Buffer): void => {
  const end = skipValue(bytes, 0)
  const isBare = skipSpace(bytes, 0) === 0
  if (end === NO_VALUE) {
    assert.ok(!isBare || parsed(bytes) === undefined, bytes.toString())
    return
  }
  assert.ok(end <= bytes.length, bytes.toString())
  assert.notEqual(parsed(bytes.subarray(0, end)), undefined, bytes.toString())
}

describe('the walk over a value', () => {
  it('takes what JSON.parse takes, and nothing else', () => {
    const pieces = array(constantFrom(...PIECES), { maxLength: 14 })
    propertyHolds(
      property(pieces, (some) => checkWalk(Buffer.from(some.join('')))),
      {
        numRuns: 20_000,
      },
    )
    propertyHolds(
      property(jsonValue(), constantFrom(undefined, 1), (value, indent) => {
        const bytes = Buffer.from(JSON.stringify(value, undefined, indent))
        assert.equal(skipValue(bytes, 0), bytes.length, bytes.toString())
      }),
    )
  })

  it('is never misled by a byte that is changed, put in or taken out', () => {
    const change = tuple(
      integer({ min: 0, max: 1000 }),
      integer({ min: 0, max: 2 }),
      uint8Array({ minLength: 1, maxLength: 1 }),
    )
    propertyHolds(
      property(jsonValue(), change, (value, [at, taken, put]) => {
        const text = Buffer.from(JSON.stringify([value]))
        const place = at % text.length
        checkWalk(Buffer.concat([text.subarray(0, place), put, text.subarray(place + taken)]))
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes single scalars as JSON does', () => {
    for (const text of [
      '0',
      '-0',
      '10',
      '1.5',
      '1e5',
      '1E-5',
      '-1.25e+10',
      '""',
      '"\\u00Af"',
      'true',
      'null',
    ])
      assert.equal(skipValue(Buffer.from(`${text} `), 0), text.length, text)
    assert.equal(skipValue(Buffer.from('false'), 0), 5)
    for (const text of [
      '-',
      '.5',
      '1.',
      '1e',
      '1e+',
      '+1',
      'nul',
      'True',
      '"',
      '"\\',
      '"\\u123"',
      '"\n"',
      '',
      '}',
      ',',
    ])
      assert.equal(skipValue(Buffer.from(text), 0), NO_VALUE, text)
    assert.equal(skipValue(Buffer.from('['.repeat(10_000)), 0), NO_VALUE)
  })
})

describe('the outline of a record', () => {
  it('gives every member as JSON.parse does', () => {
    const member = tuple(constantFrom(...RECORD_MEMBERS), jsonValue())
    const given = array(member, { maxLength: 32 })
    propertyHolds(
      property(given, constantFrom(undefined, 2), string(), (members, indent, before) => {
        const value = Object.fromEntries(members)
        const names = Object.keys(value)
        const record = Buffer.from(JSON.stringify(value, undefined, indent))
        const from = Buffer.from(before)
        const all = Buffer.concat([from, record, Buffer.from(',{"a":')])
        const end = outline.read(all, from.length)
        if (names.length === 0) return assert.equal(end, NO_VALUE)
        assert.equal(end, from.length + record.length)
        assert.equal(outline.members, names.length)
        for (const name of RECORD_MEMBERS) {
          const expected = names.includes(name) ? JSON.parse(record.toString())[name] : undefined
          assert.deepEqual(outline.value(record, name), expected)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('says nothing where a reader could see something else', () => {
    for (const text of [
      ...['{"eventID":1,"eventID":2}', '{"eventID":1,"Records":[]}', '{"event\\u0049D":1}', '{}'],
      ...['{"eventID":1', '{"eventID":1,}', '{"eventID" 1}', '{,}', '{"eventID":}', '["eventID"]'],
      ...['{"":1}', '{"eventID":1]', '{"eventid":1}', '{"__proto__":1}', ' {"eventID":1}'],
    ]) {
      assert.equal(outline.read(Buffer.from(text), 0), NO_VALUE, text)
    }
  })
})
