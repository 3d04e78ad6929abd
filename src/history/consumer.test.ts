import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { allPages, entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import type { SealedEvent } from '../event/sealed-event.ts'
import { systemClock } from '../platform/clock.ts'
import { type Logger, silentLogger } from '../platform/logger.ts'
import type { HistoryQuery } from './history.ts'
import { HistoryError } from './history-error.ts'
import { startFolderHistory } from './testing/folder-history.ts'

const DAY_MS = 86_400_000
const all: HistoryQuery = {
  ...{ category: 'Management', attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1000 },
}
const signal = new AbortController().signal

describe('history consumer', () => {
  it('deletes days past the retention as a whole, under a reader too', async () => {
    let now = NOW
    const rig = await startFolderHistory({ now: { ...systemClock, now: () => now } })
    try {
      const days = [0, 1, 89].map((n) => eventOf({ id: `d${n}`, time: NOW - n * DAY_MS }))
      await rig.consume(0, [entryOf(0, 1, days)])
      assert.equal((await allPages(rig.history, all)).length, 3)
      now += 2 * DAY_MS
      assert.equal(await rig.consumer.tick(0, signal), 1)
      assert.deepEqual(rig.files('*'), [
        join(rig.folder, '2026-03-09'),
        join(rig.folder, '2026-03-10'),
      ])
      assert.equal((await allPages(rig.history, all)).length, 2)
      now += 365 * DAY_MS
      await rig.consumer.tick(0, signal)
      assert.deepEqual(await allPages(rig.history, all), [])
    } finally {
      await rig.remove()
    }
  })

  it('merges the runs of its days when nothing arrives', async () => {
    let now = NOW
    const rig = await startFolderHistory({ now: { ...systemClock, now: () => now } })
    try {
      for (const sequence of [1, 2, 3]) {
        const events = [0, 1].map((n) =>
          eventOf({ id: `${sequence}-${n}`, time: NOW - n * DAY_MS }),
        )
        await rig.consume(0, [entryOf(0, sequence, events)])
      }
      const runs = (): unknown[] =>
        rig.files('*/index.sqlite').map((path) => {
          const database = new DatabaseSync(path, { readOnly: true })
          const row = database.prepare('SELECT count(*) AS runs FROM run').get()
          database.close()
          return row?.runs
        })
      await rig.consumer.tick(0, signal)
      assert.deepEqual(runs(), [3, 3], 'not at once')
      now += 10_000
      for (let tick = 0; tick < 3; tick++) await rig.consumer.tick(0, signal)
      assert.deepEqual(runs(), [1, 1])
      assert.equal((await allPages(rig.history, all)).length, 6)
    } finally {
      await rig.remove()
    }
  })

  it('counts what it does with events, and logs what it could not place', async () => {
    const registry = new Registry()
    const lines: { fields: object; message: string }[] = []
    const note = (fields: object, message: string): void => {
      lines.push({ fields, message })
    }
    const logger: Logger = { ...silentLogger, info: note, warn: note, child: () => logger }
    const rig = await startFolderHistory({ now: NOW, registry, logger })
    try {
      const good = eventOf({ id: 'good', time: NOW })
      const events: SealedEvent[] = [
        good,
        good,
        eventOf({ id: 'good', time: NOW, note: 'changed' }),
        eventOf({ id: 'old', time: NOW - 91 * DAY_MS }),
        eventOf({ id: 'data', time: NOW, category: 'Data' }),
        { ...good, eventId: 'untimed', text: Buffer.from('{}') },
      ]
      await rig.consume(0, [entryOf(0, 1, events)])
      const metric = await registry.getSingleMetric('clew_history_events_total')?.get()
      const counts = metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? []
      assert.deepEqual(Object.fromEntries(counts), {
        ...{ stored: 2, repeat: 1, changed: 1, expired: 1, other: 1, untimed: 1 },
      })
      assert.deepEqual(lines, [
        {
          fields: { count: 1, eventIds: ['untimed'] },
          message: 'Events without a readable eventTime skipped.',
        },
        { fields: { count: 1 }, message: 'Events older than the history skipped.' },
        {
          fields: { count: 1, eventIds: ['good'] },
          message: 'Events repeat an eventID with another text.',
        },
      ])
    } finally {
      await rig.remove()
    }
  })

  it('takes events of many days at once, and again', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      const events = Array.from({ length: 300 }, (_, n) =>
        eventOf({ id: `e${n}`, time: NOW - (n % 30) * DAY_MS }),
      )
      await rig.consume(0, [entryOf(0, 1, events)])
      await rig.consume(0, [entryOf(0, 2, events)])
      const found = await allPages(rig.history, { ...all, limit: 50 })
      assert.equal(found.length, 300)
      const times = found.map(({ position }) => position.time)
      assert.deepEqual(
        times,
        [...times].sort((a, b) => b - a),
      )
    } finally {
      await rig.remove()
    }
  })

  it('rejects while the disk refuses, and stores the batch when it takes it again', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await rig.consume(0, [entryOf(0, 1, [eventOf({ id: 'a', time: NOW })])])
      const events = [0, 1].map((n) => eventOf({ id: `b${n}`, time: NOW - n * DAY_MS }))
      // Where yesterday's first block file should come there is something else.
      const obstacle = join(rig.folder, '2026-03-09', 'events-1.blk')
      mkdirSync(obstacle, { recursive: true })
      await assert.rejects(rig.consume(0, [entryOf(0, 2, events)]))
      rmdirSync(obstacle)
      assert.equal(await rig.consume(0, [entryOf(0, 2, events)]), 2)
      assert.equal((await allPages(rig.history, all)).length, 3)
    } finally {
      await rig.remove()
    }
  })

  it('starts where the cursor stands, and ends for good', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await rig.consumer.start(3, 17)
      assert.equal(await rig.consumer.tick(3, signal), 17)
      assert.equal(await rig.consumer.flush(3, signal), 17)
      assert.equal(await rig.consumer.consume(3, [], signal), 17)
      await rig.consumer.close()
      await rig.consumer.close()
      await assert.rejects(
        rig.consumer.flush(3, signal),
        (error) => error instanceof HistoryError && error.code === 'closed',
      )
      await assert.rejects(
        rig.consume(3, [entryOf(3, 18, [])]),
        (error) => error instanceof HistoryError && error.code === 'closed',
      )
    } finally {
      await rig.remove()
    }
  })

  it('stops between chunks when it is told to', async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      const entry = entryOf(0, 1, [eventOf({ id: 'a', time: NOW })])
      await assert.rejects(rig.consumer.consume(0, [entry], AbortSignal.abort(new Error('stop'))))
      assert.equal(await rig.consume(0, [entry]), 1)
    } finally {
      await rig.remove()
    }
  })
})
