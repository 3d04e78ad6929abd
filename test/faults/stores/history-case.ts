import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { SealedEvent } from '../../../src/event/sealed-event.ts'
import { createHistoryConsumer } from '../../../src/history/consumer.ts'
import { fsckHistory } from '../../../src/history/fsck.ts'
import { openHistory } from '../../../src/history/reader.ts'
import type { Consumer, Entry } from '../../../src/journal/consumer.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { impatientClock, type StoreCase, TEST_MASTER } from './store-case.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-03-10T12:00:00Z')
const clock = { ...impatientClock, now: () => NOW }
const BATCHES = 5
const EVENTS_PER_BATCH = 60
const account = '111122223333'

const eventOf = (sequence: number, index: number): SealedEvent => {
  const time = NOW - (index % 2) * DAY_MS - index * 1000
  const eventId = `${sequence}-${index}`
  const record = { eventTime: new Date(time).toISOString(), eventName: 'X', eventID: eventId }
  const text = Buffer.from(JSON.stringify({ ...record, pad: 'x'.repeat(index * 20) }))
  const facts = { account, region: 'us-east-1', category: 'Management' } as const
  return { text, eventId, ...facts, origin: { kind: 'capture' } }
}

/** The journal behind the history: one frame per sequence, the same at every reading. */
const entryOf = (sequence: number): Entry => ({
  shard: 0,
  sequence,
  frame: {
    kind: 'events',
    events: Array.from({ length: EVENTS_PER_BATCH }, (_, index) => eventOf(sequence, index)),
  },
})

const folderOf = (folder: string): string => join(folder, 'history')

const create = (folder: string): Consumer =>
  createHistoryConsumer({
    folder: folderOf(folder),
    master: TEST_MASTER,
    clock,
    logger: silentLogger,
    registry: new Registry(),
  })

const signal = new AbortController().signal

/** Consumes from the cursor on as the runner does: a batch that failed is given again, twice. */
const work = async (folder: string, tell: (fact: string) => void): Promise<void> => {
  const consumer = create(folder)
  try {
    await consumer.start(0, 0)
    for (let sequence = 1; sequence <= BATCHES; sequence++) {
      for (let tries = 1; ; tries++) {
        try {
          tell(String(await consumer.consume(0, [entryOf(sequence)], signal)))
          break
        } catch (error) {
          if (tries === 3) throw error
        }
      }
    }
  } finally {
    await consumer.close()
  }
}

/** Every event id that a look-up finds. */
const idsIn = async (folder: string): Promise<string[]> => {
  const history = await openHistory({
    folder: folderOf(folder),
    master: TEST_MASTER,
    clock,
    logger: silentLogger,
  })
  const range = { category: 'Management', attributes: [], from: 0, to: NOW, limit: 10_000 } as const
  const { events } = await history.search({ ...range, account, region: 'us-east-1' })
  await history.close()
  return events.map(({ text }) => JSON.parse(text.toString()).eventID)
}

const idsUpTo = (sequence: number): string[] =>
  Array.from({ length: sequence }, (_, before) =>
    Array.from({ length: EVENTS_PER_BATCH }, (_, index) => `${before + 1}-${index}`),
  ).flat()

const check = async (folder: string, told: readonly string[]): Promise<void> => {
  const cursor = Math.max(0, ...told.map(Number))
  const consumer = create(folder)
  await consumer.start(0, cursor)
  const found = new Set(await idsIn(folder))
  const lost = idsUpTo(cursor).filter((id) => !found.has(id))
  assert.equal(lost.length, 0, `up to ${cursor} acknowledged, lost ${lost.slice(0, 5).join(' ')}`)
  for (let sequence = cursor + 1; sequence <= BATCHES; sequence++) {
    await consumer.consume(0, [entryOf(sequence)], signal)
  }
  const ids = await idsIn(folder)
  assert.equal(ids.length, BATCHES * EVENTS_PER_BATCH, 'each event once')
  assert.equal(new Set(ids).size, ids.length, 'each event once')
  await consumer.close()
  const { problems, events } = await fsckHistory(folderOf(folder), { master: TEST_MASTER })
  assert.deepEqual(problems, [])
  assert.equal(events, BATCHES * EVENTS_PER_BATCH)
}

export const historyCase: StoreCase = { name: 'history', work, check }
