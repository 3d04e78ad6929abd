import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecordOutline } from '../../event/record-outline.ts'
import { compileSelectors } from '../../event/selectors/compile.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { createFactsOf, withDecidedReadOnly } from './missing-facts.ts'
import { createReadEvent, type ReadResult } from './read-event.ts'
import { ACCOUNT, eventText } from './testing/sample-events.ts'

const factsOf = createFactsOf(loadCatalogue())
const readEvent = createReadEvent(factsOf)
const membersOf = (text: string): number => {
  try {
    return Object.keys(JSON.parse(text)).length
  } catch {
    return 0
  }
}
const read = (text: string, members = membersOf(text)): ReadResult =>
  readEvent({ bytes: Buffer.from(text), members, spansLines: false })

const refusal = (result: ReadResult): string =>
  typeof result === 'object' && 'refused' in result ? result.refused : ''
const edited = (change: (record: Record<string, unknown>) => void): string => {
  const record = JSON.parse(eventText({ id: 'a' }))
  change(record)
  return JSON.stringify(record)
}
const categoryOf = (change: (record: Record<string, unknown>) => void): unknown => {
  const result = read(edited(change))
  return typeof result === 'object' && 'category' in result ? result.category : refusal(result)
}

describe('a record', () => {
  it('is the same event however its members are found', () => {
    const texts = [
      ...[undefined, null, 7, '', 'x', '2026-03-02T08:14:07Z', ACCOUNT].flatMap((value) =>
        ['eventID', 'eventTime', 'awsRegion', 'recipientAccountId', 'eventCategory', 'eventType']
          .concat(['managementEvent', 'eventSource', 'eventName', 'userIdentity'])
          .map((name) => edited((record) => Object.assign(record, { [name]: value }))),
      ),
      edited((record) =>
        Object.assign(record, { eventID: 'a\u00e9"\\\ud800', eventCategory: null }),
      ),
      edited((record) => Object.assign(record, { recipientAccountId: { a: 1 } })),
      JSON.stringify(JSON.parse(eventText({ id: 'a' })), undefined, 2),
      '{"eventCategory":"Aggregated","eventType":"AwsAggregatedEvent"}',
    ]
    const outline = new RecordOutline()
    for (const text of texts) {
      const bytes = Buffer.from(text)
      assert.equal(outline.read(bytes, 0), bytes.length, text)
      const given = { bytes, members: membersOf(text), spansLines: text.includes('\n') }
      assert.deepEqual(readEvent({ ...given, outline }), readEvent(given), text)
    }
  })

  it('is an event by its id, time, account and region', () => {
    const text = eventText({ id: 'b1b63b7e-0000-4000-8000-00000000000a' })
    assert.deepEqual(read(text), {
      text: Buffer.from(text),
      eventId: 'b1b63b7e-0000-4000-8000-00000000000a',
      account: ACCOUNT,
      region: 'eu-west-1',
      category: 'Management',
      time: Date.UTC(2026, 2, 2, 8, 15, 20),
    })
  })

  it('belongs to its recipient, else to its caller', () => {
    const account = (change: (record: Record<string, unknown>) => void): unknown => {
      const result = read(edited(change))
      return typeof result === 'object' && 'account' in result ? result.account : refusal(result)
    }
    const recipient = (value: unknown) => (record: Record<string, unknown>) => {
      record.recipientAccountId = value
      record.userIdentity = { accountId: '111111111111' }
    }
    assert.equal(account(recipient('222222222222')), '222222222222')
    assert.equal(account(recipient(undefined)), '111111111111')
    assert.equal(account(recipient(null)), '111111111111')
    assert.match(String(account(recipient('anonymous'))), /"anonymous" is no account id/)
    assert.match(
      String(
        account((record) => {
          record.recipientAccountId = undefined
          record.userIdentity = 'root'
        }),
      ),
      /names no account/,
    )
  })

  it('is refused for a reason that a person understands', () => {
    const refused = (change: (record: Record<string, unknown>) => void): string =>
      refusal(read(edited(change)))
    const set = (name: string, value: unknown) => (record: Record<string, unknown>) => {
      record[name] = value
    }
    assert.match(refused(set('eventID', undefined)), /no eventID/)
    assert.match(refused(set('eventID', 7)), /no eventID/)
    assert.match(refused(set('eventID', 'x'.repeat(300))), /too long/)
    assert.match(refused(set('eventTime', undefined)), /no eventTime/)
    for (const time of ['2025-01-20 16:52:14', '2026-13-02T00:00:00Z', '2026-03-02', 7]) {
      assert.match(refused(set('eventTime', time)), /no time with a zone/)
    }
    assert.match(refused(set('eventTime', '1969-12-31T23:59:59Z')), /"1969.*before 1970/)
    for (const region of ['aws-global', '', '../../x-1', `us-${'x'.repeat(60)}-1`, null]) {
      assert.match(refused(set('awsRegion', region)), /no region/)
    }
    assert.match(refused(set('eventCategory', 'ConfigurationItem')), /none of a trail's/)
    for (const other of ['7', 'null', '[]', '"text"'])
      assert.match(refusal(read(other)), /no object/)
    assert.equal(read('{"a":tru}'), 'no-json')
  })

  it('must not name a member twice, hold bytes that are no UTF-8, or an id that is no text', () => {
    const text = eventText({ id: 'a' })
    const twice = text.replace('"readOnly"', '"eventID":"b","readOnly"')
    assert.match(refusal(read(twice, membersOf(text) + 1)), /twice/)
    const bytes = Buffer.from(text.replace('RunInstances', 'Run~nstances'))
    bytes[bytes.indexOf('~')] = 0xff
    const result = readEvent({ bytes, members: membersOf(text), spansLines: false })
    assert.match(refusal(result), /UTF-8/)
    assert.match(refusal(read(text.replace('"eventID":"a"', '"eventID":"\\ud800"'))), /no text/)
    // Elsewhere an escape is six bytes like any others, and stays.
    const escaped = text.replace('RunInstances', '\\ud800')
    const kept = read(escaped)
    assert.ok(typeof kept === 'object' && 'text' in kept && kept.text.toString() === escaped)
  })

  it('has the category that it says, or that its other members or the catalogue tell', () => {
    const of = (members: Record<string, unknown>) =>
      categoryOf((record) => Object.assign(record, { eventCategory: undefined }, members))
    assert.equal(of({ eventCategory: 'Insight' }), 'Insight')
    assert.equal(of({ managementEvent: false }), 'Data')
    assert.equal(of({ managementEvent: true, eventName: 'GetObject' }), 'Management')
    assert.equal(of({ eventType: 'AwsVpceEvent' }), 'NetworkActivity')
    assert.equal(of({ eventType: 'AwsCloudTrailInsight' }), 'Insight')
    const call = (eventSource: string, eventName: string) => of({ eventSource, eventName })
    assert.equal(call('s3.amazonaws.com', 'GetObject'), 'Data')
    assert.equal(call('s3.amazonaws.com', 'ListObjects'), 'Data')
    assert.equal(call('s3.amazonaws.com', 'CreateBucket'), 'Management')
    assert.equal(call('lambda.amazonaws.com', 'Invoke'), 'Data')
    assert.equal(call('lambda.amazonaws.com', 'CreateFunction20150331'), 'Management')
    assert.equal(call('new.amazonaws.com', 'Whatever'), 'Management')
  })

  it('may be an aggregated record, with a schema of its own', () => {
    for (const windowStart of ['2025-11-17T19:20:00Z', '2025-11-17 19:20:00']) {
      const record = {
        ...{ eventVersion: '1.0', accountId: ACCOUNT, eventId: 'agg', eventCategory: 'Aggregated' },
        ...{ awsRegion: 'us-east-1', timeWindow: { windowStart, windowSize: 'PT5M' } },
      }
      const result = read(JSON.stringify(record))
      assert.ok(typeof result === 'object' && 'category' in result, refusal(result))
      assert.deepEqual(
        [result.category, result.eventId, result.time],
        ['Aggregated', 'agg', Date.UTC(2025, 10, 17, 19, 20)],
      )
    }
  })

  it('may come in the wrapper of LookupEvents, its text unescaped and nothing else', () => {
    const text = eventText({ id: 'a' }).replace(
      'RunInstances',
      'Rün\\u0001 "x"'.replaceAll('"', '\\"'),
    )
    const wrapper = JSON.stringify({ EventId: 'a', CloudTrailEvent: text })
    const result = read(wrapper)
    assert.ok(typeof result === 'object' && 'text' in result, refusal(result))
    assert.equal(result.text.toString(), text)
    for (const inner of ['{', '7', '{}x', '\ud800']) {
      assert.notEqual(refusal(read(JSON.stringify({ CloudTrailEvent: inner }))), '')
    }
  })
})

describe('selectors', () => {
  it('go by the catalogue where a record does not say whether it only reads', () => {
    const writes = withDecidedReadOnly(
      compileSelectors({
        basic: [
          {
            ...{ ReadWriteType: 'WriteOnly', IncludeManagementEvents: true },
            ...{ DataResources: [], ExcludeManagementEventSources: [] },
          },
        ],
      }),
      factsOf,
    )
    const sealed = { category: 'Management' } as const
    const call = (eventName: string, more = {}) =>
      writes({ eventSource: 'ec2.amazonaws.com', eventName, ...more }, sealed)
    assert.equal(call('DescribeInstances'), false)
    assert.equal(call('RunInstances'), true)
    assert.equal(call('DescribeInstances', { readOnly: false }), true)
  })
})
