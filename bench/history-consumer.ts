/**
 * CPU per event of the history's consumer over a file of events (NDJSON, for example of a synthetic
 * generator), pushed in-process as batches of the journal's runner:
 *
 *   node --no-maglev bench/history-consumer.ts EVENTS FOLDER [--order time|accounts] [--events N]
 *     [--batch-bytes N] [--batch-events N] [--now ISO]
 *
 * `time`: as the file has them. `accounts`: all of one account and region, then the next one, as log
 * files lie in a bucket; every batch then spans many days. FOLDER is filled and stays.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Registry } from 'prom-client'
import type { EventCategory, SealedEvent } from '../src/event/sealed-event.ts'
import { createHistoryConsumer } from '../src/history/consumer.ts'
import type { Entry } from '../src/journal/consumer.ts'
import { systemClock } from '../src/platform/clock.ts'
import { masterKeyOf } from '../src/platform/encryption.ts'
import { silentLogger } from '../src/platform/logger.ts'

const MASTER = masterKeyOf(Buffer.alloc(32, 7))
const FRAME_EVENTS = 256
const CHUNK_BYTES = 16_777_216

interface Line {
  readonly at: number
  readonly length: number
  readonly event: Omit<SealedEvent, 'text'>
  readonly order: string
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    order: { type: 'string', default: 'time' },
    events: { type: 'string', default: '1000000' },
    'batch-bytes': { type: 'string', default: '16777216' },
    'batch-events': { type: 'string', default: '1000000' },
    now: { type: 'string', default: '2026-11-21T00:00:00Z' },
  },
})

const factsOf = (text: string): Omit<SealedEvent, 'text'> & { order: string } => {
  const record = JSON.parse(text)
  const account = String(record.recipientAccountId ?? record.userIdentity?.accountId ?? '0')
  const category: EventCategory = record.eventCategory ?? 'Management'
  const region = String(record.awsRegion)
  return {
    ...{ eventId: String(record.eventID), account, region, category },
    origin: { kind: 'import', jobId: 'bench' },
    order: `${account} ${region} ${record.eventTime}`,
  }
}

/** Where each event is: the texts themselves are read again, so that memory is the consumer's. */
const linesOf = (file: number, limit: number): Line[] => {
  const lines: Line[] = []
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let position = 0; lines.length < limit; ) {
    const size = readSync(file, chunk, 0, CHUNK_BYTES, position)
    const end = chunk.subarray(0, size).lastIndexOf(10)
    if (end === -1) break
    for (let at = 0; at < end && lines.length < limit; ) {
      const feed = chunk.indexOf(10, at)
      const { order, ...event } = factsOf(chunk.toString('utf8', at, feed))
      lines.push({ at: position + at, length: feed - at, event, order })
      at = feed + 1
    }
    position += end + 1
  }
  return lines
}

function* batchesOf(file: number, lines: readonly Line[]): Generator<Entry[]> {
  const bytesMax = Number(values['batch-bytes'])
  const eventsMax = Number(values['batch-events'])
  let sequence = 0
  for (let at = 0; at < lines.length; ) {
    const batch: Entry[] = []
    let events = 0
    for (let bytes = 0; at < lines.length && bytes < bytesMax && events < eventsMax; ) {
      const frame = lines.slice(at, at + Math.min(FRAME_EVENTS, eventsMax - events))
      const sealed = frame.map(({ at: position, length, event }): SealedEvent => {
        const text = Buffer.allocUnsafeSlow(length)
        readSync(file, text, 0, length, position)
        bytes += length
        return { ...event, text }
      })
      batch.push({ shard: 0, sequence: ++sequence, frame: { kind: 'events', events: sealed } })
      at += frame.length
      events += frame.length
    }
    yield batch
  }
}

const run = async (): Promise<void> => {
  const [path = '', folder = ''] = positionals
  const file = openSync(path, 'r')
  const lines = linesOf(file, Number(values.events))
  if (values.order === 'accounts') lines.sort((a, b) => (a.order < b.order ? -1 : 1))
  const now = Date.parse(values.now)
  const registry = new Registry()
  const consumer = createHistoryConsumer({
    ...{ folder, registry, master: MASTER, logger: silentLogger },
    clock: { ...systemClock, now: () => now },
  })
  const signal = new AbortController().signal
  await consumer.start(0, 0)
  const total = { wall: 0, thread: 0, process: 0, batches: 0, rss: 0 }
  for (const batch of batchesOf(file, lines)) {
    const [wall, thread, all] = [performance.now(), process.threadCpuUsage(), process.cpuUsage()]
    await consumer.consume(0, batch, signal)
    const spent = process.threadCpuUsage(thread)
    const spentAll = process.cpuUsage(all)
    total.wall += performance.now() - wall
    total.thread += spent.user + spent.system
    total.process += spentAll.user + spentAll.system
    total.batches++
    total.rss = Math.max(total.rss, process.memoryUsage.rss())
  }
  await consumer.close()
  closeSync(file)
  const metric = await registry.getSingleMetric('clew_history_events_total')?.get()
  const counts = metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? []
  const stored = lines.filter(({ event }) => event.category === 'Management').length
  const each = (us: number): string => (us / stored).toFixed(1)
  process.stdout.write(
    `${JSON.stringify({
      ...{ order: values.order, events: lines.length, batches: total.batches },
      outcomes: Object.fromEntries(counts),
      threadUsPerStored: each(total.thread),
      processUsPerStored: each(total.process),
      wallUsPerStored: each(total.wall * 1000),
      rssMiB: Math.round(total.rss / 1_048_576),
    })}\n`,
  )
}

await run()
