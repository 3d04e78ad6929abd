import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventCategory, SealedEvent } from '../../src/event/sealed-event.ts'
import { hasAttribute, lookupAttributesOf } from '../../src/history/attributes.ts'
import type {
  History,
  HistoryEvent,
  HistoryPosition,
  HistoryQuery,
} from '../../src/history/history.ts'
import { parseRecord } from '../../src/history/json.ts'
import type { Entry } from '../../src/journal/consumer.ts'

/** A history with its writer; both may be in processes of their own. */
export interface HistoryUnderTest {
  /** Resolves with what the consumer returned; readers see the events from then on. */
  consume(shard: number, entries: readonly Entry[]): Promise<number>
  readonly history: History
  /** Closes writer and readers and opens them again. */
  restart(): Promise<void>
  /** The same, after everything derived was lost. */
  loseIndexes(): Promise<void>
  remove(): Promise<void>
}

/** The moment at which the writer's clock stands. */
export const NOW = Date.parse('2026-03-10T12:00:00Z')
const DAY_MS = 86_400_000

export interface EventFacts {
  readonly id: string
  readonly time: number
  readonly account?: string
  readonly region?: string
  readonly category?: EventCategory
  readonly name?: string
  readonly source?: string
  readonly user?: string
  readonly key?: string
  readonly readOnly?: boolean
  readonly bucket?: string
  /** Makes another text of the same event. */
  readonly note?: string
}

export const eventOf = (facts: EventFacts): SealedEvent => {
  const { account = '111122223333', region = 'us-east-1', category = 'Management' } = facts
  const { name = 'CreateBucket', source = 's3.amazonaws.com', user = 'alice' } = facts
  const api = { eventSource: source, eventName: name }
  const call = {
    userIdentity: { type: 'IAMUser', accessKeyId: facts.key ?? 'AKIAEXAMPLE', userName: user },
    ...api,
    requestParameters: facts.bucket === undefined ? null : { bucketName: facts.bucket },
    readOnly: facts.readOnly ?? false,
  }
  const record = {
    eventVersion: '1.11',
    eventTime: `${new Date(facts.time).toISOString().slice(0, 19)}Z`,
    ...(category === 'Insight' ? { insightDetails: api } : call),
    awsRegion: region,
    // JSON.stringify would not write this number so: the text must come back as it is.
    note: facts.note ?? '',
    eventID: facts.id,
    eventCategory: category,
    recipientAccountId: account,
  }
  const text = Buffer.from(JSON.stringify(record).replace('"note":', '"x":243.0,"note":'))
  return { text, eventId: facts.id, account, region, category, origin: { kind: 'capture' } }
}

export const entryOf = (
  shard: number,
  sequence: number,
  events: readonly SealedEvent[],
): Entry => ({
  ...{ shard, sequence },
  frame: { kind: 'events', events },
})

/** The obvious history: a list that is searched from end to end. */
class Model {
  readonly kept: {
    event: SealedEvent
    time: number
    shard: number
    sequence: number
    index: number
  }[] = []

  consume({ shard, sequence, frame }: Entry): void {
    if (frame.kind !== 'events') return
    for (const [index, event] of frame.events.entries()) {
      if (event.category !== 'Management' && event.category !== 'Insight') continue
      const time = Date.parse(String(parseRecord(event.text)?.eventTime))
      if (time < NOW - 90 * DAY_MS) continue
      const isRepeat = this.kept.some((other) => other.event.text.equals(event.text))
      if (!isRepeat) this.kept.push({ event, time, shard, sequence, index })
    }
  }

  /** Newest first; of one moment the latest arrival first. */
  search(query: HistoryQuery): string[] {
    const { account, region, category, attributes, from, to } = query
    return this.kept
      .map((kept, arrival) => ({ ...kept, arrival }))
      .filter(({ event, time }) => {
        const own = lookupAttributesOf(parseRecord(event.text) ?? {})
        return (
          event.category === category &&
          (account === undefined || event.account === account) &&
          (region === undefined || event.region === region) &&
          time >= from &&
          time <= to &&
          attributes.every(({ key, value }) => hasAttribute(own, event.eventId, key, value))
        )
      })
      .sort((a, b) => b.time - a.time || b.arrival - a.arrival)
      .map(({ event }) => event.text.toString())
  }
}

const anyOf = <Value>(...values: Value[]) => fc.constantFrom(...values)

const factsArbitrary: fc.Arbitrary<EventFacts> = fc.record({
  id: fc.integer({ min: 1, max: 60 }).map((n) => `id-${n}`),
  // Few moments, so that many events share one; both sides of midnight; one is too old.
  time: anyOf(0, 1, 2, 43_199, 43_200, 43_201, 130_000, 91 * 86_400).map((s) => NOW - s * 1000),
  account: anyOf('111122223333', '444455556666'),
  region: anyOf('us-east-1', 'eu-central-1'),
  category: anyOf<EventCategory>('Management', 'Management', 'Management', 'Insight', 'Data'),
  name: anyOf('CreateBucket', 'ListBuckets', 'GetUser'),
  source: anyOf('s3.amazonaws.com', 'iam.amazonaws.com'),
  user: anyOf('alice', 'bob', 'Alice'),
  key: anyOf('AKIAONE', 'AKIATWO'),
  readOnly: fc.boolean(),
  bucket: anyOf('one', 'two', 'three'),
  note: anyOf('', 'Zoë 🪣'),
})

type Step =
  | { kind: 'frames'; shard: number; frames: EventFacts[][] }
  | { kind: 'again'; back: number }
  | { kind: 'restart' }
  | { kind: 'lose' }

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('frames' as const),
      shard: fc.nat(1),
      frames: fc.array(fc.array(factsArbitrary, { maxLength: 8 }), { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const) }) },
)

const attributeArbitrary = fc.oneof(
  fc.record({
    key: fc.constant('EventName' as const),
    value: anyOf('CreateBucket', 'GetUser', 'x'),
  }),
  fc.record({ key: fc.constant('Username' as const), value: anyOf('alice', 'Alice', 'ALICE') }),
  fc.record({ key: fc.constant('ReadOnly' as const), value: anyOf('true', 'false') }),
  fc.record({ key: fc.constant('ResourceName' as const), value: anyOf('one', 'two', 'four') }),
  fc.record({ key: fc.constant('ResourceType' as const), value: anyOf('AWS::S3::Bucket', 'x') }),
  fc.record({ key: fc.constant('EventSource' as const), value: anyOf('iam.amazonaws.com') }),
  fc.record({ key: fc.constant('AccessKeyId' as const), value: anyOf('AKIAONE', 'AKIATWO') }),
  fc.record({ key: fc.constant('EventId' as const), value: anyOf('id-1', 'id-2', 'id-3') }),
)

const queryArbitrary: fc.Arbitrary<HistoryQuery> = fc
  .record(
    {
      account: anyOf('111122223333', '444455556666', '999999999999'),
      region: anyOf('us-east-1', 'eu-central-1'),
      category: anyOf<'Management' | 'Insight'>('Management', 'Management', 'Insight'),
      attributes: fc.array(attributeArbitrary, { maxLength: 3 }),
      from: anyOf(0, NOW - 43_200_000, NOW - 1000),
      to: anyOf(NOW, NOW - 43_200_000, NOW - 43_201_000, Number.MAX_SAFE_INTEGER),
      limit: fc.integer({ min: 1, max: 20 }),
    },
    { requiredKeys: ['category', 'attributes', 'from', 'to', 'limit'] },
  )
  .map((query) => query as HistoryQuery)

/** All pages of a query. */
export const allPages = async (history: History, query: HistoryQuery): Promise<HistoryEvent[]> => {
  const found: HistoryEvent[] = []
  let after: HistoryPosition | undefined
  do {
    const page = await history.search(after === undefined ? query : { ...query, after })
    assert.ok(page.events.length <= query.limit)
    assert.ok(page.next === undefined || page.events.length === query.limit, 'pages are full')
    found.push(...page.events)
    after = page.next
  } while (after !== undefined)
  return found
}

const everything: HistoryQuery = {
  ...{ category: 'Management', attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER, limit: 7 },
}

const textsOf = (events: readonly HistoryEvent[]): string[] =>
  events.map(({ text }) => text.toString())

/** What every event history must satisfy. */
export const historyContract = (name: string, create: () => Promise<HistoryUnderTest>): void => {
  const using = (title: string, body: (it: HistoryUnderTest) => Promise<void>): void => {
    it(title, async () => {
      const under = await create()
      try {
        await body(under)
      } finally {
        await under.remove()
      }
    })
  }

  describe(`history: ${name}`, () => {
    it('answers every query as a plain list would', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(stepArbitrary, { minLength: 1, maxLength: 12 }),
          fc.array(queryArbitrary, { minLength: 4, maxLength: 8 }),
          async (steps, queries) => {
            const under = await create()
            try {
              await compare(under, steps, queries)
            } finally {
              await under.remove()
            }
          },
        ),
        { numRuns: 25 },
      )
    })

    using('gives events back byte for byte, at their address', async (under) => {
      const events = [1, 2, 3].map((n) => eventOf({ id: `e${n}`, time: NOW - n * 1000 }))
      assert.equal(await under.consume(0, [entryOf(0, 41, events)]), 41)
      const found = await allPages(under.history, everything)
      assert.deepEqual(
        found.map(({ position }) => position),
        [1, 2, 3].map((n) => ({ time: NOW - n * 1000, shard: 0, sequence: 41, index: n - 1 })),
      )
      assert.deepEqual(
        found.map(({ text }) => text),
        events.map(({ text }) => text),
      )
    })

    using('moves its cursor over frames that hold nothing for it', async (under) => {
      const data = eventOf({ id: 'd', time: NOW, category: 'Data' })
      const entries: Entry[] = [
        entryOf(1, 5, [data]),
        { shard: 1, sequence: 6, frame: { kind: 'control', topic: 'trail', payload: '{}' } },
        { shard: 1, sequence: 7, frame: { kind: 'intents', intents: [] } },
      ]
      assert.equal(await under.consume(1, entries), 7)
      assert.deepEqual(await allPages(under.history, everything), [])
    })

    using('keeps a changed text of the same eventID beside the first', async (under) => {
      const first = eventOf({ id: 'same', time: NOW })
      const second = eventOf({ id: 'same', time: NOW, note: 'other' })
      await under.consume(0, [entryOf(0, 1, [first, first, second])])
      await under.consume(0, [entryOf(0, 2, [second, first])])
      const attributes = [{ key: 'EventId' as const, value: 'same' }]
      const found = await allPages(under.history, { ...everything, attributes })
      assert.deepEqual(textsOf(found), [second.text.toString(), first.text.toString()])
    })

    using('neither repeats nor misses an event while others arrive', async (under) => {
      const at = (n: number): number => NOW - 60_000 + Math.floor(n / 3) * 1000
      const old = Array.from({ length: 60 }, (_, n) => eventOf({ id: `old-${n}`, time: at(n) }))
      await under.consume(0, [entryOf(0, 1, old)])
      const seen: string[] = []
      let after: HistoryPosition | undefined
      for (let page = 0; ; page++) {
        const query = after === undefined ? everything : { ...everything, after }
        const { events, next } = await under.history.search(query)
        seen.push(...textsOf(events))
        if (next === undefined) break
        after = next
        // Newer, older and equal in time to what was already shown.
        const news = [0, 30, 59].map((n) => eventOf({ id: `new-${page}-${n}`, time: at(n) }))
        await under.consume(1, [entryOf(1, page + 1, news)])
        if (page === 3) await under.restart()
      }
      assert.equal(new Set(seen).size, seen.length, 'none twice')
      for (const { text } of old) assert.ok(seen.includes(text.toString()))
    })

    using('skips events whose time cannot be read and keeps the rest', async (under) => {
      const good = eventOf({ id: 'good', time: NOW })
      const broken = [
        '"eventTime":"yesterday"',
        '"eventTime":12',
        '"eventTime":"+275760-09-13T00:00:00Z"',
      ]
      const bad = broken.map((member, n): SealedEvent => {
        const text = good.text.toString().replace(/"eventTime":"[^"]*"/, member)
        return { ...good, eventId: `bad-${n}`, text: Buffer.from(text) }
      })
      const garbage = { ...good, eventId: 'garbage', text: Buffer.from('{"eventTime":') }
      assert.equal(await under.consume(0, [entryOf(0, 1, [...bad, good, garbage])]), 1)
      assert.deepEqual(textsOf(await allPages(under.history, everything)), [good.text.toString()])
    })

    using('shows any region’s and account’s events to those who ask for all', async (under) => {
      const regions = Array.from({ length: 40 }, (_, n) => `made-up-${n}`)
      const events = regions.map((region, n) => eventOf({ id: `r${n}`, time: NOW - n, region }))
      await under.consume(0, [entryOf(0, 1, events)])
      assert.equal((await allPages(under.history, everything)).length, 40)
      const one = await allPages(under.history, { ...everything, region: 'made-up-7' })
      assert.deepEqual(textsOf(one), [events[7]?.text.toString()])
    })
  })
}

const compare = async (
  under: HistoryUnderTest,
  steps: readonly Step[],
  queries: readonly HistoryQuery[],
): Promise<void> => {
  const model = new Model()
  const done: { shard: number; entries: Entry[] }[] = []
  const next = [1, 1]
  const take = async (shard: number, entries: Entry[]): Promise<void> => {
    const last = entries.at(-1)?.sequence ?? 0
    assert.ok((await under.consume(shard, entries)) >= last)
    for (const entry of entries) model.consume(entry)
  }
  for (const step of steps) {
    if (step.kind === 'restart') await under.restart()
    else if (step.kind === 'lose') await under.loseIndexes()
    else if (step.kind === 'again') {
      const batch = done.at(-1 - step.back)
      if (batch !== undefined) await take(batch.shard, batch.entries)
    } else {
      const { shard } = step
      const entries = step.frames.map((facts) => {
        const sequence = next[shard] ?? 1
        next[shard] = sequence + 1
        return entryOf(shard, sequence, facts.map(eventOf))
      })
      done.push({ shard, entries })
      await take(shard, entries)
    }
  }
  for (const query of queries) {
    const found = await allPages(under.history, query)
    assert.deepEqual(textsOf(found), model.search(query), JSON.stringify(query))
  }
}
