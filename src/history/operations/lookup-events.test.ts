import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entryOf, eventOf, NOW } from '../../../test/contracts/history.ts'
import { Fault } from '../../contract/fault.ts'
import type { OperationCall, OperationInput, OperationOutput } from '../../contract/operation.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import {
  type FolderHistoryRig,
  startFolderHistory,
  TEST_MASTER,
} from '../testing/folder-history.ts'
import { realLines } from '../testing/real-events.ts'
import { lookupEvents } from './lookup-events.ts'

type Input = OperationInput<'LookupEvents'>
type Output = OperationOutput<'LookupEvents'>

const ACCOUNT = '111122223333'
const callOf = (
  more: Partial<OperationCall<'LookupEvents'>> = {},
): OperationCall<'LookupEvents'> => ({
  caller: { principal: { kind: 'root', account: ACCOUNT } },
  ...{ account: ACCOUNT, region: 'us-east-1', partition: 'aws', eventId: 'e', requestId: 'r' },
  ...{ now: NOW, signal: new AbortController().signal },
  fault: (code, message) => new Fault(code, message),
  ...more,
})

const SECONDS = NOW / 1000
const idsOf = ({ Events }: Output): unknown[] => (Events ?? []).map(({ EventId }) => EventId)

const using = (
  title: string,
  body: (
    look: (input: Input, more?: Partial<OperationCall<'LookupEvents'>>) => Promise<Output>,
    rig: FolderHistoryRig,
  ) => Promise<void>,
): void => {
  it(title, async () => {
    const rig = await startFolderHistory({ now: NOW })
    const operation = lookupEvents(rig.history, { master: TEST_MASTER })
    try {
      await body((input, more) => operation(input, callOf(more)), rig)
    } finally {
      await rig.remove()
    }
  })
}

const refusedWith = (code: string) => (error: unknown) =>
  error instanceof Fault && error.code === code && error.status === 400

/** Inputs that types forbid reach the operation all the same. */
const raw = (input: object): Input => input as Input

describe('LookupEvents', () => {
  using('answers with every member, the text as it is', async (look, rig) => {
    const event = eventOf({ id: 'id-1', time: NOW, bucket: 'b', readOnly: false })
    await rig.consume(0, [entryOf(0, 1, [event])])
    assert.deepEqual(await look({}), {
      Events: [
        {
          EventId: 'id-1',
          EventName: 'CreateBucket',
          ReadOnly: 'false',
          AccessKeyId: 'AKIAEXAMPLE',
          EventTime: SECONDS,
          EventSource: 's3.amazonaws.com',
          Username: 'alice',
          Resources: [{ ResourceType: 'AWS::S3::Bucket', ResourceName: 'b' }],
          CloudTrailEvent: event.text.toString(),
        },
      ],
    })
  })

  using('answers for its own account and region only', async (look, rig) => {
    const events = [
      eventOf({ id: 'mine', time: NOW }),
      eventOf({ id: 'region', time: NOW, region: 'eu-west-1' }),
      eventOf({ id: 'account', time: NOW, account: '999999999999' }),
    ]
    await rig.consume(0, [entryOf(0, 1, events)])
    assert.deepEqual(idsOf(await look({})), ['mine'])
    assert.deepEqual(idsOf(await look({}, { region: 'eu-west-1' })), ['region'])
    assert.deepEqual(await look({}, { region: 'ap-south-1' }), { Events: [] })
  })

  using('has Insights events in their own category', async (look, rig) => {
    const insight = eventOf({ id: 'insight', time: NOW, category: 'Insight' })
    await rig.consume(0, [entryOf(0, 1, [eventOf({ id: 'call', time: NOW }), insight])])
    assert.deepEqual(idsOf(await look({})), ['call'])
    const { Events } = await look({ EventCategory: 'insight' })
    assert.deepEqual(Events, [
      {
        EventId: 'insight',
        EventName: 'CreateBucket',
        EventTime: SECONDS,
        EventSource: 's3.amazonaws.com',
        Resources: [],
        CloudTrailEvent: insight.text.toString(),
      },
    ])
    const key = 'Username' as const
    await assert.rejects(
      look({
        EventCategory: 'insight',
        LookupAttributes: [{ AttributeKey: key, AttributeValue: 'x' }],
      }),
      refusedWith('InvalidLookupAttributesException'),
    )
  })

  using('includes both ends of the time range', async (look, rig) => {
    const events = [0, 1, 2, 3].map((n) => eventOf({ id: `e${n}`, time: NOW - n * 1000 }))
    await rig.consume(0, [entryOf(0, 1, events)])
    const range = { StartTime: SECONDS - 2, EndTime: SECONDS - 1 }
    assert.deepEqual(idsOf(await look(range)), ['e1', 'e2'])
    assert.deepEqual(idsOf(await look({ StartTime: SECONDS - 0.5 })), ['e0'])
    assert.deepEqual(idsOf(await look({ EndTime: SECONDS - 2.5 })), ['e3'])
    assert.deepEqual(idsOf(await look({ EndTime: 0 }).catch(() => ({}))), [])
  })

  using('reaches back ninety days', async (look, rig) => {
    const day = 86_400_000
    const times = [NOW - 90 * day + 1000, NOW - 89 * day]
    const events = times.map((time, n) => eventOf({ id: `e${n}`, time }))
    await rig.consume(0, [entryOf(0, 1, events)])
    assert.deepEqual(idsOf(await look({ StartTime: 0 })), ['e1', 'e0'])
    assert.deepEqual(idsOf(await look({ StartTime: 0 }, { now: NOW + 2000 })), ['e1'])
  })

  using('applies the first of two attributes', async (look, rig) => {
    const events = ['alice', 'bob'].map((user) => eventOf({ id: user, time: NOW, user }))
    await rig.consume(0, [entryOf(0, 1, events)])
    const found = await look({
      LookupAttributes: [
        { AttributeKey: 'Username', AttributeValue: 'bob' },
        { AttributeKey: 'Username', AttributeValue: 'alice' },
      ],
    })
    assert.deepEqual(idsOf(found), ['bob'])
  })

  using('refuses bad input with the exception of each parameter', async (look) => {
    const attribute = (AttributeKey: string, AttributeValue: unknown) =>
      raw({ LookupAttributes: [{ AttributeKey, AttributeValue }] })
    const cases: [Input, string][] = [
      [raw({ EventCategory: 'management' }), 'InvalidEventCategoryException'],
      [raw({ MaxResults: 0 }), 'InvalidMaxResultsException'],
      [raw({ MaxResults: 51 }), 'InvalidMaxResultsException'],
      [{ StartTime: SECONDS, EndTime: SECONDS - 1 }, 'InvalidTimeRangeException'],
      [{ StartTime: SECONDS + 60 }, 'InvalidTimeRangeException'],
      [attribute('ReadOnly', 'True'), 'InvalidLookupAttributesException'],
      [attribute('Color', 'red'), 'InvalidLookupAttributesException'],
      [attribute('EventName', ''), 'InvalidLookupAttributesException'],
      [attribute('EventName', 'x'.repeat(2001)), 'InvalidLookupAttributesException'],
      [attribute('EventName', 7), 'InvalidLookupAttributesException'],
      [{ NextToken: 'nonsense' }, 'InvalidNextTokenException'],
      [{ NextToken: '' }, 'InvalidNextTokenException'],
    ]
    for (const [input, code] of cases) {
      await assert.rejects(look(input), refusedWith(code), JSON.stringify(input).slice(0, 80))
    }
    assert.deepEqual(await look(attribute('EventName', '_'.repeat(1001))), { Events: [] })
    assert.deepEqual(await look(attribute('ResourceType', 'Nothing')), { Events: [] })
  })

  using('pages with tokens that hold for the same request only', async (look, rig) => {
    const events = Array.from({ length: 120 }, (_, n) => eventOf({ id: `e${n}`, time: NOW - n }))
    await rig.consume(0, [entryOf(0, 1, events)])
    const first = await look({})
    assert.equal(first.Events?.length, 50)
    const NextToken = first.NextToken ?? ''
    const second = await look({ NextToken })
    const third = await look({ NextToken: second.NextToken ?? '' })
    assert.equal(third.NextToken, undefined)
    const ids = [first, second, third].flatMap(idsOf)
    assert.equal(new Set(ids).size, 120)
    assert.deepEqual(idsOf(await look({ NextToken })), idsOf(second))
    const others: [Input, Partial<OperationCall<'LookupEvents'>>?][] = [
      [{ NextToken, MaxResults: 49 }],
      [{ NextToken, StartTime: 0 }],
      [{ NextToken, EndTime: SECONDS }],
      [{ NextToken, EventCategory: 'insight' }],
      [{ NextToken, LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'x' }] }],
      [{ NextToken }, { region: 'eu-west-1' }],
      [{ NextToken }, { account: '999999999999' }],
    ]
    for (const [input, more] of others) {
      await assert.rejects(look(input, more), refusedWith('InvalidNextTokenException'))
    }
    const strange = masterKeyOf(Buffer.alloc(32, 1))
    const elsewhere = lookupEvents(rig.history, { master: strange })
    await assert.rejects(
      elsewhere({ NextToken }, callOf()),
      refusedWith('InvalidNextTokenException'),
    )
  })

  it('answers as AWS did for the same events', async (t) => {
    const found = realLines('plaso/lookup_events.ndjson.gz')
    if ('absent' in found) return t.skip(found.absent)
    const golden = found.lines.map((line) => JSON.parse(line.toString()))
    const now = Date.parse('2022-02-09T00:00:00Z')
    const rig = await startFolderHistory({ now })
    try {
      const events = golden.map(({ CloudTrailEvent, EventId }) => ({
        ...eventOf({ id: EventId, time: now, account: '012345678901', region: 'ap-southeast-2' }),
        text: Buffer.from(CloudTrailEvent),
      }))
      await rig.consume(0, [entryOf(0, 1, events)])
      const operation = lookupEvents(rig.history, { master: TEST_MASTER })
      const call = callOf({ account: '012345678901', region: 'ap-southeast-2', now })
      const { Events = [] } = await operation({}, call)
      assert.equal(Events.length, golden.length)
      for (const expected of golden) {
        const actual = Events.find(({ EventId }) => EventId === expected.EventId)
        // The AWS CLI prints EventTime in the zone of its user.
        const time = Date.parse(expected.EventTime) / 1000
        const wanted = { ...expected, EventTime: time }
        if (expected.EventName === 'CreateSecurityGroup') {
          // Whoever made the data anonymous shortened the vpcId of the request by a digit.
          wanted.Resources[0].ResourceName = 'vpc-0123456789012345'
        }
        assert.deepEqual(actual, wanted)
      }
    } finally {
      await rig.remove()
    }
  })
})
