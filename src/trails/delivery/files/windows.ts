/**
 * All open windows of one shard. Closing one is: seal, plan (durable), launch. The cursor stays in
 * front of everything that is not planned, and of every plan until its flight has ended.
 */
import type { SealedEvent } from '../../../event/sealed-event.ts'
import type { Sequence, Shard } from '../../../journal/journal.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Logger } from '../../../platform/logger.ts'
import type { Trail } from '../../trail.ts'
import {
  type Address,
  isAfter,
  type Plan,
  type Stream,
  withParked,
  withPlan,
} from '../chain-state.ts'
import { type ChainStore, chainKey } from '../chain-store.ts'
import type { DeliveryTelemetry } from '../telemetry.ts'
import type { Flights } from './flights.ts'
import { LogFileBuilder, type MemoryBudget } from './log-file.ts'
import { folderOf, type LogFolder, slotOf } from './object-key.ts'
import { RecentIds } from './recent-ids.ts'
import {
  addToWindow,
  contains,
  firstHeld,
  NOWHERE,
  type OpenStream,
  planOf,
  type Replay,
  type Window,
} from './window.ts'

export interface WindowsContext {
  readonly shard: Shard
  readonly clock: Clock
  readonly logger: Logger
  readonly store: ChainStore
  readonly flights: Flights
  readonly budget: MemoryBudget
  readonly telemetry: DeliveryTelemetry
  readonly intervalMs: number
  readonly maxFileBytes: number
  readonly heldBytesMax: number
  readonly gzipLevel: number
}

/** An event that a trail takes. */
export interface TakenEvent {
  readonly event: SealedEvent
  readonly address: Address
  readonly eventTime: string | null
}

const newStream = (): Pick<OpenStream, 'through' | 'seen' | 'replays' | 'recent' | 'window'> => ({
  through: NOWHERE,
  seen: NOWHERE,
  replays: [],
  recent: new RecentIds(),
  window: undefined,
})

export class Windows {
  readonly #context: WindowsContext
  readonly #streams = new Map<string, OpenStream>()
  #floor: Sequence = 0

  constructor(context: WindowsContext) {
    this.#context = context
  }

  /** Takes up the streams of the chain documents: their plans wait for their events to come again. */
  async start(floor: Sequence): Promise<void> {
    this.#floor = floor
    const { store, shard } = this.#context
    for (const chain of store.keys()) {
      const document = store.known(chain)
      for (const [id, stream] of Object.entries(document?.streams ?? {})) {
        const [incarnation = '', of, folder] = id.split('/')
        if (document === undefined || Number(of) !== shard) continue
        const { trailArn, region } = document
        const place = { chain, trailArn, region, folder: folder as LogFolder }
        await this.#resume(incarnation, place, stream)
      }
    }
  }

  /** Adds an event; what was taken, planned or delivered before is not added again. */
  async take(trail: Trail, taken: TakenEvent): Promise<void> {
    const { event, address } = taken
    const stream = await this.#streamOf(trail, event)
    if (!isAfter(address, stream.seen)) return
    if (isAfter(address, stream.through)) await this.#fill(stream, trail, taken)
    else stream.replays.find(({ plan }) => contains(plan, address))?.builder.add(event.text)
    stream.seen = address
  }

  /** Replays whose last event lies in a frame up to `sequence` are complete, whatever came. */
  async finishReplays(sequence: Sequence): Promise<void> {
    for (const stream of this.#streams.values()) {
      while (stream.replays[0] !== undefined && stream.replays[0].plan.last.sequence <= sequence) {
        await this.#finishReplay(stream, stream.replays[0])
      }
    }
  }

  async close(which: (stream: OpenStream, window: Window) => boolean): Promise<void> {
    for (const stream of this.#streams.values()) {
      const { window } = stream
      if (window !== undefined && which(stream, window)) await this.#closeWindow(stream, window)
    }
  }

  /** Windows of an earlier slot; any other slot, so that a clock set back does not keep one open. */
  async closeDue(): Promise<void> {
    const slot = this.#slot()
    await this.close((_stream, window) => window.slot !== slot)
  }

  /** Above the bound of memory the largest windows are closed early. */
  async closeExcess(): Promise<void> {
    const { budget, heldBytesMax, flights, shard, telemetry } = this.#context
    telemetry.held(budget.held)
    if (budget.held <= heldBytesMax) return
    const open = [...this.#streams.values()].flatMap(({ window }) => window ?? [])
    await Promise.all(open.map(({ builder }) => builder.idle()))
    open.sort((a, b) => b.builder.held - a.builder.held)
    let excess = budget.held - heldBytesMax / 2
    for (const largest of open) {
      if (excess <= 0) break
      excess -= largest.builder.held
      await this.close((_stream, window) => window === largest)
    }
    await flights.settled(shard)
  }

  firstSequence(): Sequence {
    let first = Number.POSITIVE_INFINITY
    for (const stream of this.#streams.values()) first = Math.min(first, firstHeld(stream))
    return first
  }

  busy(trailArn: string, region: string): boolean {
    return [...this.#streams.values()].some(
      (stream) =>
        stream.trailArn === trailArn &&
        stream.region === region &&
        (stream.window !== undefined || stream.replays.length > 0),
    )
  }

  #slot(): number {
    return slotOf(this.#context.clock.now(), this.#context.intervalMs)
  }

  #builder(): LogFileBuilder {
    return new LogFileBuilder(this.#context.gzipLevel, this.#context.budget)
  }

  async #streamOf(trail: Trail, event: SealedEvent): Promise<OpenStream> {
    const folder = folderOf(event.category)
    const id = `${trail.incarnation}/${event.region}/${folder}`
    const known = this.#streams.get(id)
    if (known !== undefined) return known
    await this.#context.store.read(trail.arn, trail.account, event.region)
    const chain = chainKey(trail.arn, event.region)
    const place = { chain, trailArn: trail.arn, region: event.region, folder }
    const stream: OpenStream = { ...place, ...newStream() }
    this.#streams.set(id, stream)
    return stream
  }

  async #resume(
    incarnation: string,
    place: Pick<OpenStream, 'chain' | 'trailArn' | 'region' | 'folder'>,
    { through, plans, deliveries }: Stream,
  ): Promise<void> {
    const replays: Replay[] = []
    for (const plan of plans) {
      if (plan.last.sequence > this.#floor) replays.push({ plan, builder: this.#builder() })
      else await this.#drop(place.chain, plan, 'Its events are behind the cursor.')
    }
    const stream: OpenStream = { ...place, ...newStream(), through, replays }
    for (const delivery of deliveries ?? []) stream.recent.add(delivery, '')
    this.#streams.set(`${incarnation}/${place.region}/${place.folder}`, stream)
  }

  async #fill(stream: OpenStream, trail: Trail, taken: TakenEvent): Promise<void> {
    const { event, address, eventTime } = taken
    const own = event.origin.kind === 'delivery'
    // After a crash between put and record the same put is recorded once more.
    if (own && stream.recent.isRepeat(event.eventId, `${address.sequence}.${address.index}`)) return
    const { builder: open } = stream.window ?? {}
    const full =
      open !== undefined &&
      (open.sealed || open.bytesWith(event.text.length) > this.#context.maxFileBytes)
    if (full && stream.window !== undefined) await this.#closeWindow(stream, stream.window)
    stream.window ??= {
      trail,
      builder: this.#builder(),
      slot: this.#slot(),
      first: address,
      last: address,
      oldest: null,
      newest: null,
      deliveries: [],
    }
    addToWindow(stream.window, event.text, address, eventTime)
    if (own) stream.window.deliveries.push(event.eventId)
  }

  async #closeWindow(stream: OpenStream, window: Window): Promise<void> {
    const { shard, clock, intervalMs, store, flights } = this.#context
    const plan = planOf(stream, window, { shard, intervalMs, now: clock.now() })
    const file = await window.builder.finish()
    await store.update(stream.chain, (document) =>
      withPlan(document, plan, this.#floor, window.deliveries),
    )
    stream.through = plan.last
    stream.window = undefined
    window.builder.release()
    flights.launch(plan, file)
  }

  async #finishReplay(stream: OpenStream, { plan, builder }: Replay): Promise<void> {
    const { store, flights, telemetry, logger } = this.#context
    const file = await builder.finish()
    let executed: Plan = plan
    if (file.sha256 !== plan.sha256) {
      telemetry.mismatch()
      logger.error(
        { key: plan.key, planned: plan.count, found: builder.events },
        'The journal no longer gives what a delivery plan announced; what it gives is delivered.',
      )
      executed = { ...plan, sha256: file.sha256, bytes: file.bytes, count: builder.events }
    }
    if (builder.events === 0) await this.#drop(stream.chain, plan, 'Its events are gone.')
    else if (executed !== plan) {
      await store.update(stream.chain, (document) => withPlan(document, executed, 0, []))
    }
    stream.replays.shift()
    builder.release()
    if (builder.events > 0) flights.launch(executed, file)
  }

  async #drop(chain: string, plan: Plan, why: string): Promise<void> {
    this.#context.logger.error({ key: plan.key, events: plan.count, why }, 'A plan was dropped.')
    this.#context.telemetry.lost(1, plan.count)
    await this.#context.store.update(chain, (document) => withParked(document, plan))
  }
}
