import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { markIncomplete } from './capture-incomplete.ts'

const mark = (text: string): string => markIncomplete(Buffer.from(text)).toString()

describe('captureIncomplete', () => {
  it('is put where CloudTrail has it, without a change to any other byte', () => {
    assert.equal(
      mark('{"a":243.0,"b":1.68E9,"requestID":"r","eventID":"e"}'),
      '{"a":243.0,"b":1.68E9,"additionalEventData":{"captureIncomplete":true},"requestID":"r","eventID":"e"}',
    )
    assert.equal(
      mark('{"additionalEventData":{"x":1},"eventID":"e"}'),
      '{"additionalEventData":{"captureIncomplete":true,"x":1},"eventID":"e"}',
    )
    assert.equal(
      mark('{"additionalEventData":{},"z":1}'),
      '{"additionalEventData":{"captureIncomplete":true},"z":1}',
    )
    assert.equal(
      mark('{"additionalEventData":null}'),
      '{"additionalEventData":{"captureIncomplete":true}}',
    )
    assert.equal(mark('{}'), '{"additionalEventData":{"captureIncomplete":true}}')
    assert.equal(mark('{"a":1}'), '{"a":1,"additionalEventData":{"captureIncomplete":true}}')
  })

  it('is not misled by what parameters and strings hold', () => {
    const tricky =
      '{"requestParameters":{"additionalEventData":{"y":"}"},"eventID":"no"},"userAgent":"\\"eventID\\":{\\\\","eventID":"e"}'
    assert.equal(
      mark(tricky),
      tricky.replace(
        /"eventID":"e"\}$/,
        '"additionalEventData":{"captureIncomplete":true},"eventID":"e"}',
      ),
    )
    const asValue = '{"eventName":"requestID","eventID":"e"}'
    assert.match(mark(asValue), /^\{"eventName":"requestID","additionalEventData"/)
  })

  it('adds exactly the mark to any record', () => {
    const names = fc.constantFrom('eventID', 'requestID', 'responseElements', 'a"b', 'ü\\')
    const record = fc.dictionary(fc.oneof(names, fc.string()), fc.jsonValue())
    const extra = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined })
    fc.assert(
      fc.property(record, extra, (members, additionalEventData) => {
        const text = JSON.stringify({ ...members, additionalEventData })
        const before: Record<string, unknown> = JSON.parse(text)
        const after: Record<string, unknown> = JSON.parse(mark(text))
        const { captureIncomplete, ...rest } = after.additionalEventData as Record<string, unknown>
        assert.equal(captureIncomplete, true)
        assert.deepEqual(
          { ...after, additionalEventData: rest },
          { ...before, additionalEventData: before.additionalEventData ?? {} },
        )
      }),
    )
  })

  it('refuses what is no such record', () => {
    assert.throws(() => mark('[1]'))
    assert.throws(() => mark('{"additionalEventData":"text"}'))
  })
})
