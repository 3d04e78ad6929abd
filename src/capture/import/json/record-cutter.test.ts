import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withoutSpace } from './compact.ts'
import type { CutterPlace, RecordSink } from './cut-record.ts'
import { RecordCutter } from './record-cutter.ts'

interface Found {
  readonly records: {
    text: string
    length: number
    number: number
    offset: number
    place: CutterPlace
  }[]
  readonly problems: { reason: string; number: number; offset: number }[]
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Cuts `bytes`, handed over in pieces of the sizes given (the last one again and again). */
const cut = (bytes: Buffer, sizes: readonly number[] = [7], from?: CutterPlace): Found => {
  const found: Found = { records: [], problems: [] }
  const sink: RecordSink = {
    record: (record, { number, offset }) => {
      const text = record.toString()
      if (!isJson(text)) return false
      found.records.push({ text, length: record.length, number, offset, place: cutter.place() })
      return true
    },
    problem: (reason, { number, offset }) => found.problems.push({ reason, number, offset }),
  }
  const cutter = new RecordCutter(sink, from)
  for (let at = from?.offset ?? 0, piece = 0; at < bytes.length; piece++) {
    const size = Math.max(1, sizes[Math.min(piece, sizes.length - 1)] ?? 1)
    cutter.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  cutter.end()
  return found
}

const cutText = (text: string, sizes?: readonly number[]): Found => cut(Buffer.from(text), sizes)
const textsOf = ({ records }: Found): string[] => records.map(({ text }) => text)

/** The JSON text of a value with white space from `pick` between all tokens. */
const spaced = (value: unknown, pick: () => string): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = Array.isArray(value)
    ? value.map((item) => `${pick()}${spaced(item, pick)}${pick()}`)
    : Object.entries(value).map(
        ([key, item]) =>
          `${pick()}${JSON.stringify(key)}${pick()}:${pick()}${spaced(item, pick)}${pick()}`,
      )
  const body = inner.length === 0 ? pick() : inner.join(',')
  return Array.isArray(value) ? `[${body}]` : `{${body}}`
}

const spaces = fc.array(fc.constantFrom('', ' ', '\n', '\t', '\r\n', '  '), { minLength: 1 })
const picker = (all: readonly string[]) => {
  let at = 0
  return (): string => all[at++ % all.length] ?? ''
}
const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 })
const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 }), {
  maxLength: 6,
})

describe('the record cutter', () => {
  it('finds in a document what JSON.parse finds, byte for byte, however it comes', () => {
    fc.assert(
      fc.property(objects, spaces, sizes, fc.boolean(), (values, white, pieces, inObject) => {
        const pick = picker(white)
        const texts = values.map((value) => spaced(value, pick))
        const list = `[${pick()}${texts.join(`${pick()},${pick()}`)}${pick()}]`
        const more = inObject ? `"a":[1],${pick()}` : ''
        const text = inObject ? `{${more}"Records"${pick()}:${list}${pick()},"b":[{}]}` : list
        const found = cutText(text, pieces)
        assert.deepEqual(found.problems, [])
        assert.deepEqual(textsOf(found), texts)
        for (const { text: record, offset } of found.records) {
          const bytes = Buffer.from(text).subarray(offset, offset + Buffer.byteLength(record))
          assert.equal(bytes.toString(), record)
        }
      }),
    )
  })

  it('finds objects that stand by themselves, one on a line or over several lines', () => {
    fc.assert(
      fc.property(objects, spaces, sizes, (values, white, pieces) => {
        const pick = picker(white)
        const texts = values
          .filter((value) => !('Records' in value || 'Events' in value))
          .map((value) => spaced(value, pick))
        const found = cutText(texts.join('\n'), pieces)
        assert.deepEqual(found.problems, [])
        assert.deepEqual(textsOf(found), texts)
      }),
    )
  })

  it('goes on from every place between two records', () => {
    fc.assert(
      fc.property(objects, sizes, fc.boolean(), (values, pieces, lines) => {
        const texts = values.map((value) => JSON.stringify(value))
        const text = lines ? `${texts.join('\n')}\n` : `{"Records":[${texts.join(',')}]}`
        const whole = cutText(text, pieces)
        for (const [index, { place }] of whole.records.entries()) {
          const rest = cut(Buffer.from(text), pieces, place)
          assert.deepEqual(rest.problems, whole.problems)
          assert.deepEqual(rest.records, whole.records.slice(index + 1))
        }
      }),
      { numRuns: 50 },
    )
  })

  it('removes white space between tokens and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), spaces, (value, white) => {
        const compact = withoutSpace(Buffer.from(spaced(value, picker(white)))).toString()
        assert.equal(
          compact,
          spaced(value, () => ''),
        )
      }),
    )
    const numbers = '{ "a" : [ 243.0 ,\n1.68E9 ,\t-0 ], "b \\" : {" : "x\\\\" }'
    assert.equal(
      withoutSpace(Buffer.from(numbers)).toString(),
      '{"a":[243.0,1.68E9,-0],"b \\" : {":"x\\\\"}',
    )
  })

  it('takes documents behind one another, a byte order mark, and lines that end with CR LF', () => {
    const text = '\ufeff{"Records":[{"a":1}]}{"Records":[{"a":2},{"a":3}]}\r\n{"a":4}\r\n'
    for (const size of [1, 2, 1000]) {
      const found = cutText(text, [size])
      assert.deepEqual(found.problems, [])
      assert.deepEqual(textsOf(found), ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}'])
    }
  })

  it('reports a second list of a document, by place, and goes on behind the document', () => {
    for (const name of ['Records', 'Events', 'Ev\\u0065nts']) {
      const tail = `,"x":{"Events":1},"${name}" : [{"b":2}]}`
      const head = '{"Records":[{"a":1}]'
      for (const size of [1, 9, 1000]) {
        const found = cutText(`${head}${tail}\n{"Events":[{"c":3}]}`, [size])
        assert.deepEqual(textsOf(found), ['{"a":1}', '{"c":3}'])
        const [problem, ...others] = found.problems
        assert.deepEqual([problem?.number, problem?.offset, others], [2, head.length, []])
        assert.match(problem?.reason ?? '', /another list of records/)
      }
    }
    const inner = cutText('{"Records":[{"a":1}],"x":{"Events":[{"b":2}]}}')
    assert.deepEqual(inner.problems, [])
  })

  it('reports every bad line by number and offset, and goes on behind it', () => {
    const found = cutText('{"a":1}\njunk\n{"a":\n{"b":2} {"b":3}\n{"c":tru}\n{"d":4}\n')
    assert.deepEqual(textsOf(found), ['{"a":1}', '{"d":4}'])
    assert.deepEqual(
      found.problems.map(({ number, offset }) => [number, offset]),
      [
        [2, 8],
        [3, 13],
        [4, 19],
        [5, 35],
      ],
    )
  })

  it('makes no record out of a part of a damaged one', () => {
    const evil = '{"eventID":"planted"}'
    for (const damaged of [
      `{"Records":[{"a":1,"b":x"k":1},${evil},{"c":[{}]}]}`,
      `{"Records":[{"a":xx"k":1},${evil}]}`,
      `{"Records":[{"a":1}{"b":${evil}}]}`,
      `"requestParameters":${evil},"a":1}\n`,
      `{"a":1,"requestParameters"\n${evil},"b":2}\n`,
      `{"a":[\n  ${evil}\n ],\n`,
    ]) {
      for (const size of [1, 9, 1000]) {
        const found = cutText(damaged, [size])
        assert.ok(!textsOf(found).includes(evil), damaged)
        assert.ok(found.problems.length > 0, damaged)
      }
    }
  })

  it('survives any damage, reports where it is, and hands over only what is there', () => {
    const change = fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(
        objects,
        fc.array(change, { maxLength: 4 }),
        sizes,
        fc.boolean(),
        (values, changes, pieces, lines) => {
          const texts = values.map((value) => JSON.stringify({ ...value, Records: 1 }))
          const bytes = Buffer.from(lines ? texts.join('\n') : `{"Records":[${texts.join(',')}]}`)
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
          const found = cut(bytes, pieces)
          let end = 0
          for (const { text, offset } of found.records) {
            assert.ok(offset >= end, 'records do not overlap')
            end = offset + 1
            assert.ok(isJson(text))
          }
          for (const { offset } of found.problems) {
            assert.ok(offset >= 0 && offset <= bytes.length)
          }
          if (found.problems.length > 0) return
          // Without a report everything must have been whole.
          const whole = lines ? bytes.toString().split('\n') : [bytes.toString()]
          for (const part of whole) assert.ok(part.trim() === '' || isJson(part) || lines, part)
          const covered = found.records.reduce((sum, { length }) => sum + length, 0)
          if (lines) assert.equal(covered, Buffer.byteLength(texts.join('')))
        },
      ),
    )
  })

  it('refuses records that are too long and goes on behind them', () => {
    const long = `{"a":"${'x'.repeat(1024 * 1024)}"}`
    for (const text of [`{"Records":[{"a":1},${long},{"a":2}]}`, `{"a":1}\n${long}\n{"a":2}\n`]) {
      const found = cutText(text, [65_536])
      assert.deepEqual(textsOf(found), ['{"a":1}', '{"a":2}'])
      assert.deepEqual(found.problems.length, 1)
      assert.match(found.problems[0]?.reason ?? '', /more than 1048576 bytes/)
    }
  })

  it('gives up where nothing readable is in sight, in time that grows with the length', () => {
    const zeros = Buffer.alloc(20 * 1024 * 1024)
    for (const bytes of [zeros, Buffer.alloc(zeros.length, ' ')]) {
      const found = cut(bytes, [1024 * 1024])
      assert.match(found.problems.at(-1)?.reason ?? '', /given up/)
    }
    // Every line opens what never closes: each must be looked at once.
    const open = Buffer.from('{}\n{\n'.repeat(200_000))
    assert.equal(cut(open, [65_536]).records.length, 200_000)
  })
})
