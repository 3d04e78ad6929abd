import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseJson } from './plain-json.ts'
import { type RecordFields, sealRecord } from './record.ts'
import { cutText, RECORD_BYTES_MAX } from './size-caps.ts'

const FIELDS: RecordFields = {
  userIdentity: { type: 'AWSService', invokedBy: 'cloudtrail.amazonaws.com' },
  eventTime: Date.UTC(2026, 2, 2, 8, 14, 7, 999),
  eventSource: 's3.amazonaws.com',
  eventName: 'PutObject',
  awsRegion: 'eu-west-1',
  sourceIPAddress: 'cloudtrail.amazonaws.com',
  userAgent: 'cloudtrail.amazonaws.com',
  requestParameters: { bucketName: 'b' },
  responseElements: null,
  eventID: '0b9f5a52-7d0e-4a57-9a43-5d6b2b3f7a10',
  readOnly: false,
  eventType: 'AwsApiCall',
  managementEvent: false,
  recipientAccountId: '210000000001',
  sharedEventID: '13579bdf-2468-4ace-8bdf-13579bdf2468',
  eventCategory: 'Data',
}

const seal = (changes: Partial<RecordFields> = {}) =>
  sealRecord({ ...FIELDS, ...changes }, { kind: 'capture' })
const parsed = (changes: Partial<RecordFields>) =>
  JSON.parse(seal(changes).text.toString()) as Record<string, unknown>

describe('sealRecord', () => {
  it('writes compact JSON in the native order, with whole seconds and the nulls of AWS', () => {
    assert.equal(
      seal().text.toString(),
      '{"eventVersion":"1.11","userIdentity":{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"},' +
        '"eventTime":"2026-03-02T08:14:07Z","eventSource":"s3.amazonaws.com","eventName":"PutObject",' +
        '"awsRegion":"eu-west-1","sourceIPAddress":"cloudtrail.amazonaws.com",' +
        '"userAgent":"cloudtrail.amazonaws.com","requestParameters":{"bucketName":"b"},' +
        '"responseElements":null,"eventID":"0b9f5a52-7d0e-4a57-9a43-5d6b2b3f7a10","readOnly":false,' +
        '"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"210000000001",' +
        '"sharedEventID":"13579bdf-2468-4ace-8bdf-13579bdf2468","eventCategory":"Data"}',
    )
  })

  it('fills what later stages route by', () => {
    const { text: _, ...members } = seal()
    assert.deepEqual(members, {
      eventId: FIELDS.eventID,
      account: '210000000001',
      region: 'eu-west-1',
      category: 'Data',
      origin: { kind: 'capture' },
    })
  })

  it('replaces what is over its cap by the marker', () => {
    const record = parsed({
      requestParameters: { text: 'x'.repeat(102_390) },
      additionalEventData: { text: 'x'.repeat(28 * 1024) },
      errorMessage: 'ä'.repeat(600),
    })
    assert.deepEqual(record.requestParameters, {
      reason: 'requestParameters too large',
      omitted: 'true',
      originalSize: '102401',
    })
    assert.deepEqual(record.additionalEventData, {
      reason: 'additionalEventData too large',
      omitted: 'true',
      originalSize: String(28 * 1024 + 11),
    })
    assert.equal(record.errorMessage, 'ä'.repeat(512))
    const fits = { text: 'x'.repeat(102_389) }
    assert.deepEqual(parsed({ requestParameters: fits }).requestParameters, fits)
  })

  it('keeps the whole below 256 KB', () => {
    const big = { text: 'x'.repeat(100_000) }
    const resources = Array.from({ length: 3000 }, (_, index) => ({ ARN: `arn:${index}` }))
    const record = seal({
      requestParameters: big,
      responseElements: big,
      serviceEventDetails: big,
      resources,
    })
    assert.ok(record.text.length <= RECORD_BYTES_MAX)
    assert.deepEqual(JSON.parse(record.text.toString()).requestParameters, big)
  })

  it('writes what JavaScript cannot', () => {
    const cycle: Record<string, unknown> = { name: 'cycle' }
    cycle.self = cycle
    assert.equal(typeof parsed({ requestParameters: cycle }).requestParameters, 'object')
    assert.deepEqual(parsed({ requestParameters: { big: 12345678901234567890n } }), {
      ...parsed({}),
      requestParameters: { big: Number('12345678901234567890') },
    })
    assert.deepEqual(parsed({ requestParameters: { '\ud800': 'a\udc00b' } }).requestParameters, {
      '\ufffd': 'a\ufffdb',
    })
    assert.equal(parsed({ eventTime: Number.NaN }).eventTime, '1970-01-01T00:00:00Z')
  })

  it('never throws, whatever a caller sent, and stays one line of well-formed JSON', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.anything({ withBigInt: true })),
        fc.string({ unit: 'binary' }),
        (requestParameters, userAgent) => {
          const text = seal({ requestParameters, userAgent }).text.toString()
          assert.ok(!text.includes('\n'))
          assert.ok(text.isWellFormed())
          JSON.parse(text)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('cutText', () => {
  it('never breaks a character and never exceeds the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, bytes) => {
        const cut = cutText(text, bytes)
        assert.ok(Buffer.byteLength(cut) <= bytes)
        assert.ok(text.startsWith(cut))
        assert.ok(cut.length === text.length || Buffer.byteLength(cut) > bytes - 4)
      }),
    )
  })
})

describe('parseJson', () => {
  it('keeps numbers as they were written', () => {
    const text = '{"a":243.0,"b":1.68E9,"c":[12345678901234567890],"d":7,"e":"1.0"}'
    assert.equal(JSON.stringify(parseJson(text)), text)
    assert.equal(parseJson('{'), undefined)
  })
})
