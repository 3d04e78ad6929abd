/**
 * The consumer `trails`: delivers events as log files and digests (docs/formats/log-file.md,
 * docs/formats/digest.md). What it guarantees, at any crash: no event of a trail is lost, none is in
 * two delivered files, and every file that was put while validation was on is in one digest.
 */
import type { Consumer } from '../../journal/consumer.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import { createChainStore } from './chain-store.ts'
import { Digester } from './digests/digester.ts'
import { Outbox } from './digests/outbox.ts'
import { ChunkBuffers } from './files/chunk-buffers.ts'
import { Flights } from './files/flights.ts'
import type { MemoryBudget } from './files/log-file.ts'
import { Pace } from './files/pace.ts'
import { ParkedFiles } from './files/parked-files.ts'
import { openPendingFolder, pendingFolderOf } from './files/pending-folder.ts'
import { Windows } from './files/windows.ts'
import { type DeliveryOptions, type DeliverySettings, deliverySettings } from './options.ts'
import { createPutter } from './putter.ts'
import { ShardDelivery } from './shard-delivery.ts'
import { createStatusWriter } from './status-writer.ts'
import { type DeliveryTelemetry, deliveryTelemetry } from './telemetry.ts'
import { Timeline } from './timeline/timeline.ts'

/** How long a stop waits for puts under way; they are repeated after the start. */
const CLOSE_WAIT_MS = 5000

/** What the shards share. */
interface Parts {
  readonly flights: Flights
  readonly parked: ParkedFiles
  readonly outbox: Outbox
  readonly openShard: (shard: Shard) => ShardDelivery
}

const openParts = async (
  settings: DeliverySettings,
  telemetry: DeliveryTelemetry,
): Promise<Parts> => {
  const { documents, clock, logger, logFileIntervalMs, digestIntervalMs } = settings
  const budget: MemoryBudget = { held: 0, buffers: new ChunkBuffers() }
  const pace = new Pace(clock, settings.gzipLevel)
  const store = createChainStore(documents)
  const status = createStatusWriter(documents)
  const put = createPutter(settings, telemetry)
  const pending = await openPendingFolder(pendingFolderOf(settings.folder), settings.master, logger)
  const shared = { documents, clock, logger, store, put, status, telemetry, budget }
  const bytesMax = settings.pendingBytesMax
  const parked = new ParkedFiles({
    ...shared,
    ...{ pending, bytesMax },
    isFlying: (id) => flights.has(id),
  })
  const flights = new Flights({
    ...shared,
    park: (plan, body) => parked.park(plan, body),
    unpark: (id) => pending.remove(id),
  })
  const outbox = new Outbox(shared)
  const { signingKeys } = settings
  const digester = new Digester({
    clock,
    store,
    outbox,
    signingKeys,
    intervalMs: digestIntervalMs,
  })
  await store.load()
  await parked.recover()
  await outbox.load()
  const openShard = (shard: Shard): ShardDelivery => {
    const timeline = new Timeline(documents, shard, () => clock.now())
    const windows = new Windows({
      ...shared,
      shard,
      flights,
      intervalMs: logFileIntervalMs,
      maxFileBytes: settings.maxFileBytes,
      heldBytesMax: settings.heldBytesMax,
      pace,
    })
    const delivering = { timeline, windows, flights, parked, pace }
    const rest = { documents, store, ...delivering, digester, outbox, status }
    return new ShardDelivery(shard, { settings, ...rest })
  }
  return { flights, parked, outbox, openShard }
}

/** Runs the calls of one shard one after the other, whoever makes them. */
const createTurns = (): (<Result>(work: () => Promise<Result>) => Promise<Result>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine.catch(() => {})
    return mine
  }
}

interface RunningShard {
  readonly delivery: ShardDelivery
  readonly turn: <Result>(work: () => Promise<Result>) => Promise<Result>
}

export interface DeliveryConsumer extends Consumer {
  /** Waits for the puts that are under way; none of their errors is reported here. */
  settled(): Promise<void>
}

/**
 * Reads nothing before the first `start`. `flush` rejects with DeliveryError when a file or digest
 * could not be put; it is kept and retried.
 */
export const createDeliveryConsumer = (options: DeliveryOptions): DeliveryConsumer => {
  const settings = deliverySettings(options)
  const telemetry = deliveryTelemetry(settings.registry)
  const shards = new Map<Shard, RunningShard>()
  let parts: Promise<Parts> | undefined

  const of = (shard: Shard): RunningShard => {
    const running = shards.get(shard)
    if (running === undefined) throw new Error(`Shard ${shard} was not started.`)
    return running
  }

  const inTurn = (
    shard: Shard,
    work: (delivery: ShardDelivery) => Promise<Sequence>,
  ): Promise<Sequence> => {
    const { turn, delivery } = of(shard)
    return turn(() => work(delivery))
  }

  const settled = async (): Promise<void> => {
    if (parts === undefined) return
    const { flights, parked, outbox } = await parts
    const work = [...shards.keys()].map((shard) => flights.settled(shard))
    await Promise.allSettled([...work, parked.settled(), outbox.settled()])
  }

  return {
    name: 'trails',
    start: async (shard, cursor) => {
      parts ??= openParts(settings, telemetry)
      const { openShard } = await parts.catch((error: unknown) => {
        // The next start tries again.
        parts = undefined
        throw error
      })
      const delivery = openShard(shard)
      await delivery.start(cursor)
      shards.set(shard, { delivery, turn: createTurns() })
    },
    consume: (shard, batch, signal) => inTurn(shard, (delivery) => delivery.consume(batch, signal)),
    tick: (shard) => inTurn(shard, (delivery) => delivery.tick()),
    flush: (shard) => inTurn(shard, (delivery) => delivery.flush()),
    settled,
    close: async () => {
      const stop = new AbortController()
      const limit = settings.clock.sleep(CLOSE_WAIT_MS, stop.signal).catch(() => {})
      await Promise.race([settled(), limit])
      stop.abort()
    },
  }
}
