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
import { compressingAgain, LogFileBuilder, type MemoryBudget } from './log-file.ts'
import { folderOf, type LogFolder, slotOf } from './object-key.ts'
import { OpenStreams } from './open-streams.ts'
import type { Pace } from './pace.ts'
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
  readonly pace: Pace
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

/** Windows that are closed at the same time: each waits for gzip and for a commit. */
const CLOSINGS_AT_ONCE = 32
/**
 * Share of the bound that may be held when nothing is being compressed. What is above it is closed
 * or put; what is below came in faster than gzip took it.
 */
const HELD_WHEN_IDLE_SHARE = 0.75

/** Waits for all, so that none goes on behind an error. */
export const allSettledOrThrow = async (work: readonly Promise<unknown>[]): Promise<void> => {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

export class Windows {
  readonly #context: WindowsContext
  readonly #streams = new OpenStreams()
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
        const { trailArn, account, region } = document
        const place = { chain, trailArn, account, region, folder: folder as LogFolder }
        await this.#resume(incarnation, place, stream)
      }
    }
  }

  /**
   * Adds an event; what was taken, planned or delivered before is not added again. Undefined where
   * there is nothing to wait for, which is nearly always: a promise an event would cost more than
   * all the rest.
   */
  take(trail: Trail, taken: TakenEvent): Promise<void> | undefined {
    const { event, address } = taken
    const stream = this.#streams.get(trail.incarnation, event)
    if (stream === undefined || event.origin.kind === 'delivery') {
      return this.#takeSlowly(trail, taken)
    }
    if (!isAfter(address, stream.seen)) return undefined
    const { window } = stream
    if (isAfter(address, stream.through)) {
      if (window === undefined || this.#isFull(window, event)) {
        return this.#takeSlowly(trail, taken)
      }
      this.#add(window, taken)
    } else stream.replays.find(({ plan }) => contains(plan, address))?.builder.add(event.text)
    stream.seen = address
    return undefined
  }

  async #takeSlowly(trail: Trail, taken: TakenEvent): Promise<void> {
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
    const closings: (() => Promise<void>)[] = []
    for (const stream of this.#streams.values()) {
      const { window } = stream
      if (window === undefined || !which(stream, window)) continue
      closings.push(() => this.#closeWindow(stream, window))
    }
    // Several at once, so that their plans share a commit.
    while (closings.length > 0) {
      const group = closings.splice(0, CLOSINGS_AT_ONCE).map((closing) => closing())
      await allSettledOrThrow(group)
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
    // Nothing more is taken meanwhile: this is also what holds us back to the speed of gzip and puts.
    const open = [...this.#streams.values()].flatMap(({ window }) => window ?? [])
    await Promise.all(open.map(({ builder }) => builder.idle()))
    if (budget.held > heldBytesMax * HELD_WHEN_IDLE_SHARE) {
      open.sort((a, b) => b.builder.held - a.builder.held)
      let excess = budget.held - heldBytesMax / 2
      const largest = new Set<Window>()
      for (const window of open) {
        if (excess <= 0) break
        excess -= window.builder.held
        largest.add(window)
      }
      await this.close((_stream, window) => largest.has(window))
    }
    if (budget.held > heldBytesMax * HELD_WHEN_IDLE_SHARE) await flights.settled(shard)
  }

  firstSequence(): Sequence {
    let first = Number.POSITIVE_INFINITY
    for (const stream of this.#streams.values()) first = Math.min(first, firstHeld(stream))
    return first
  }

  /** `chain`: the key of a chain document. */
  busy(chain: string): boolean {
    for (const stream of this.#streams.values()) {
      if (stream.chain !== chain) continue
      if (stream.window !== undefined || stream.replays.length > 0) return true
    }
    return false
  }

  #slot(): number {
    return slotOf(this.#context.clock.now(), this.#context.intervalMs)
  }

  async #streamOf(trail: Trail, event: SealedEvent): Promise<OpenStream> {
    const folder = folderOf(event.category)
    const { account, region } = event
    const known = this.#streams.get(trail.incarnation, event)
    if (known !== undefined) return known
    await this.#context.store.read(trail.arn, account, region)
    const chain = chainKey(trail.arn, account, region)
    const place = { chain, trailArn: trail.arn, account, region, folder }
    const stream: OpenStream = { ...place, ...newStream() }
    this.#streams.add(trail.incarnation, stream)
    return stream
  }

  async #resume(
    incarnation: string,
    place: Pick<OpenStream, 'chain' | 'trailArn' | 'account' | 'region' | 'folder'>,
    { through, plans, deliveries }: Stream,
  ): Promise<void> {
    const replays: Replay[] = []
    for (const plan of plans) {
      if (plan.last.sequence > this.#floor) replays.push(this.#replayOf(plan))
      else await this.#drop(place.chain, plan, 'Its events are behind the cursor.')
    }
    const stream: OpenStream = { ...place, ...newStream(), through, replays }
    for (const delivery of deliveries ?? []) stream.recent.add(delivery, '')
    this.#streams.add(incarnation, stream)
  }

  async #fill(stream: OpenStream, trail: Trail, taken: TakenEvent): Promise<void> {
    const { event, address } = taken
    const own = event.origin.kind === 'delivery'
    // After a crash between put and record the same put is recorded once more.
    if (own && stream.recent.isRepeat(event.eventId, `${address.sequence}.${address.index}`)) return
    const open = stream.window
    if (open !== undefined && this.#isFull(open, event)) await this.#closeWindow(stream, open)
    stream.window ??= this.#newWindow(trail, address)
    this.#add(stream.window, taken)
    if (own) stream.window.deliveries.push(event.eventId)
  }

  #isFull({ builder }: Window, { text }: SealedEvent): boolean {
    return builder.sealed || builder.bytesWith(text.length) > this.#context.maxFileBytes
  }

  #add(window: Window, { event, address, eventTime }: TakenEvent): void {
    window.imported &&= event.origin.kind === 'import'
    addToWindow(window, event.text, address, eventTime)
    this.#context.pace.took(event.text.length)
  }

  #newWindow(trail: Trail, first: Address): Window {
    const { pace, budget } = this.#context
    const compressing = pace.compressing(this.#streams.values().length, () => window.imported)
    const window: Window = {
      trail,
      builder: new LogFileBuilder(compressing, budget),
      slot: this.#slot(),
      first,
      last: first,
      oldest: null,
      newest: null,
      deliveries: [],
      imported: true,
    }
    return window
  }

  #replayOf(plan: Plan): Replay {
    const { budget } = this.#context
    return { plan, builder: new LogFileBuilder(compressingAgain(plan.compression), budget) }
  }

  async #closeWindow(stream: OpenStream, window: Window): Promise<void> {
    const { shard, clock, intervalMs, store, flights } = this.#context
    const plan = planOf(stream, window, { shard, intervalMs, now: clock.now() })
    const file = await window.builder.finish()
    await store.update(stream.chain, (document) => withPlan(document, plan, this.#floor, window))
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
      const { sha256, bytes } = file
      const { events: count, compression } = builder
      executed = { ...plan, sha256, bytes, count, compression }
    }
    if (builder.events === 0) await this.#drop(stream.chain, plan, 'Its events are gone.')
    else if (executed !== plan) {
      await store.update(stream.chain, (document) =>
        withPlan(document, executed, 0, { imported: document.importOnly === true }),
      )
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
