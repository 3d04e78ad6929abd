/**
 * Deliveries of one shard, in its order: control frames change the trails, events go into windows,
 * time and changes close them, digests follow. The consumer serialises the calls.
 */
import type { Documents } from '../../documents/documents.ts'
import type { SealedEvent } from '../../event/sealed-event.ts'
import type { Entry } from '../../journal/consumer.ts'
import type { ControlFrame } from '../../journal/frame.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import type { Trail, TrailChange } from '../trail.ts'
import type { Address } from './chain-state.ts'
import type { ChainStore } from './chain-store.ts'
import type { Digester } from './digests/digester.ts'
import type { Outbox } from './digests/outbox.ts'
import { type DeliveryFailure, flushError } from './errors.ts'
import { eventTimeOf } from './files/event-time.ts'
import type { Flights } from './files/flights.ts'
import { slotOf } from './files/object-key.ts'
import type { Pace } from './files/pace.ts'
import type { ParkedFiles } from './files/parked-files.ts'
import { allSettledOrThrow, type Windows } from './files/windows.ts'
import type { DeliverySettings } from './options.ts'
import type { StatusWriter } from './status-writer.ts'
import {
  type ActiveTrail,
  createShardTrails,
  needsRecord,
  type ShardTrails,
  selectsEvent,
} from './timeline/shard-trails.ts'
import { SNAPSHOTS_KEPT, type Snapshot, type Timeline } from './timeline/timeline.ts'

/** Chains whose digests are made at the same time. */
const CHAINS_AT_ONCE = 32

const PASSED_PREFIX = 'delivery/passed/'
const TOPIC = 'trail'

/** Document: everything up to `sequence` of the shard is durable downstream, whatever the cursor. */
interface Passed {
  readonly version: 1
  readonly sequence: Sequence
}

export interface ShardContext {
  readonly settings: DeliverySettings
  readonly documents: Documents
  readonly store: ChainStore
  readonly timeline: Timeline
  readonly windows: Windows
  readonly flights: Flights
  readonly parked: ParkedFiles
  readonly pace: Pace
  readonly digester: Digester
  readonly outbox: Outbox
  readonly status: StatusWriter
}

const parse = (event: SealedEvent): Record<string, unknown> | undefined => {
  try {
    return JSON.parse(event.text.toString()) as Record<string, unknown>
  } catch {
    // The caller reports the event: its text would break the whole log file.
    return undefined
  }
}

/** Undefined for what no version of Clew has written: it must not hold up every delivery. */
const parseChange = (payload: string): TrailChange | undefined => {
  try {
    const change = JSON.parse(payload) as Partial<TrailChange> | null
    const known = change?.kind === 'put' || change?.kind === 'delete'
    return known && typeof change?.trail?.incarnation === 'string'
      ? (change as TrailChange)
      : undefined
  } catch {
    // The caller reports the frame.
    return undefined
  }
}

const timeOf = (record: Record<string, unknown>): string | null =>
  typeof record.eventTime === 'string' ? record.eventTime : null

export class ShardDelivery {
  readonly #shard: Shard
  readonly #context: ShardContext
  readonly #trails: ShardTrails
  /** Chain documents, and whether this shard drives them. */
  readonly #driven = new Map<string, boolean>()
  /** Everything up to here is durable downstream since before this process. */
  #floor: Sequence = 0
  /** The last entry that was taken whole. */
  #head: Sequence = 0

  constructor(shard: Shard, context: ShardContext) {
    this.#shard = shard
    this.#context = context
    this.#trails = createShardTrails(context.settings.compileSelectors)
  }

  async start(cursor: Sequence): Promise<void> {
    const { documents, timeline, windows, status } = this.#context
    const passed = await documents.get<Passed>(`${PASSED_PREFIX}${this.#shard}`)
    this.#floor = Math.max(cursor, passed?.value.sequence ?? 0)
    this.#head = this.#floor
    for (const snapshot of await timeline.load(this.#floor)) {
      this.#trails.set(snapshot)
      if (snapshot.ends) this.#expectLast(snapshot, false)
      if (snapshot.kind === 'put') status.announce(snapshot.trail.arn, snapshot.trail.incarnation)
    }
    await windows.start(this.#floor)
  }

  async consume(batch: readonly Entry[], signal: AbortSignal): Promise<Sequence> {
    // A window takes nothing that comes after its time.
    await this.#closeDue()
    for (const { sequence, frame } of batch) {
      if (signal.aborted) break
      if (sequence <= this.#head) continue
      if (frame.kind === 'control') await this.#control(sequence, frame)
      else if (frame.kind === 'events') {
        for (const [index, event] of frame.events.entries()) {
          const waiting = this.#event(event, sequence, index)
          if (waiting !== undefined) await waiting
        }
        this.#context.pace.turn()
      }
      await this.#context.windows.finishReplays(sequence)
      this.#head = sequence
      await this.#context.windows.closeExcess()
    }
    await this.#closeDue()
    return this.#durable()
  }

  async tick(): Promise<Sequence> {
    const { flights, parked, outbox } = this.#context
    // The digest of an hour before the files that are closed after it.
    await this.#settle(false)
    await this.#closeDue()
    flights.resume(this.#shard)
    parked.kick(this.#shard)
    for (const key of this.#chains()) outbox.kick(key)
    return this.#durable()
  }

  async flush(): Promise<Sequence> {
    const { windows, flights, parked, outbox } = this.#context
    this.#stopWaiting(() => true)
    await windows.close(() => true)
    flights.resume(this.#shard)
    const failures = await flights.settled(this.#shard)
    const failed = new Set(failures.map(({ trailArn }) => trailArn))
    while (parked.waits(this.#shard, failed)) {
      for (const failure of await parked.flush(this.#shard, failed)) {
        failures.push(failure)
        failed.add(failure.trailArn)
      }
      await this.#settle(false)
    }
    await this.#settle(true)
    const digests = await Promise.all(this.#chains().map((key) => outbox.flush(key)))
    failures.push(...digests.filter((failure): failure is DeliveryFailure => failure !== undefined))
    const error = flushError(failures)
    if (error !== undefined) throw error
    return this.#durable()
  }

  /** Chain documents that this shard drives. */
  #chains(): string[] {
    return this.#context.store.keys().filter((key) => this.#drives(key))
  }

  /** Asked several times a second for every chain, and a hash to compute: remembered. */
  #drives(chain: string): boolean {
    const known = this.#driven.get(chain)
    if (known !== undefined) return known
    const { store, settings } = this.#context
    const document = store.known(chain)
    if (document === undefined) return false
    const drives = settings.shardOf(document.account, document.region) === this.#shard
    this.#driven.set(chain, drives)
    return drives
  }

  async #control(sequence: Sequence, frame: ControlFrame): Promise<void> {
    if (frame.topic !== TOPIC) return
    const { timeline, windows, status, settings } = this.#context
    const change = parseChange(frame.payload)
    if (change === undefined) {
      settings.logger.error({ sequence }, 'A trail change in the journal cannot be read.')
      return
    }
    const { trail } = change
    const before = timeline.current(trail.incarnation)
    const after = timeline.successor(sequence, change)
    if (after === undefined) return
    const drivesHome = settings.shardOf(trail.account, trail.homeRegion) === this.#shard
    const waits = after.ends && drivesHome && after.eventId !== ''
    await windows.close(
      (stream, window) =>
        window.trail.incarnation === trail.incarnation &&
        !(waits && stream.region === trail.homeRegion && stream.folder === 'CloudTrail'),
    )
    if (after.ends && after.eventId !== '') this.#expectLast(after, waits)
    if (change.kind === 'put') status.announce(trail.arn, trail.incarnation)
    await this.#follow(before, after, drivesHome)
    await timeline.advance(after, this.#floor)
    this.#trails.set(after)
    if (timeline.stored(trail.incarnation) > SNAPSHOTS_KEPT) await this.#raiseFloor()
  }

  /** The chains of the trail in this shard's regions; that of the home region exists from now on. */
  async #follow(before: Snapshot | undefined, after: Snapshot, drivesHome: boolean): Promise<void> {
    const { store, digester } = this.#context
    const { arn, account, homeRegion } = after.trail
    if (drivesHome) await store.read(arn, account, homeRegion)
    for (const key of this.#chains()) {
      if (store.known(key)?.trailArn !== arn) continue
      await digester.follow(key, before, after, () => this.#finish(arn))
    }
  }

  /** Brings what is left of a trail into its bucket, or parks it. */
  async #finish(trailArn: string): Promise<void> {
    const { windows, flights } = this.#context
    this.#stopWaiting((trail) => trail.arn === trailArn)
    await windows.close((stream) => stream.trailArn === trailArn)
    flights.resume(this.#shard)
    await flights.settled(this.#shard)
  }

  #expectLast(snapshot: Snapshot, waiting: boolean): void {
    const { clock, logFileIntervalMs } = this.#context.settings
    const slot = slotOf(clock.now(), logFileIntervalMs)
    this.#trails.closing.set(snapshot.eventId, { snapshot, waiting, slot })
  }

  #stopWaiting(which: (trail: Trail, slot: number) => boolean): void {
    for (const closing of this.#trails.closing.values()) {
      if (which(closing.snapshot.trail, closing.slot)) closing.waiting = false
    }
  }

  /** Undefined where there is nothing to wait for, which is nearly always. */
  #event(event: SealedEvent, sequence: Sequence, index: number): Promise<void> | undefined {
    const { closing } = this.#trails
    const ends = closing.size > 0 && closing.has(event.eventId)
    const candidates = this.#trails.candidates(event)
    const [only] = candidates
    if (only === undefined && !ends) return undefined
    const simple = only !== undefined && candidates.length === 1 && !ends
    const eventTime = simple && !needsRecord(only, event) ? eventTimeOf(event.text) : undefined
    if (only === undefined || eventTime === undefined) {
      return this.#eventSlowly(event, { sequence, index }, candidates)
    }
    const taken = { event, address: { sequence, index }, eventTime }
    return this.#context.windows.take(only.snapshot.trail, taken)
  }

  async #eventSlowly(
    event: SealedEvent,
    address: Address,
    candidates: readonly ActiveTrail[],
  ): Promise<void> {
    const closing = this.#trails.closing.get(event.eventId)
    const last = closing?.snapshot.trail.account === event.account ? closing : undefined
    if (last === undefined && candidates.length === 0) return
    const needed = candidates.some((candidate) => needsRecord(candidate, event))
    const eventTime = needed ? undefined : eventTimeOf(event.text)
    const record = eventTime === undefined ? parse(event) : {}
    if (record === undefined) {
      this.#context.settings.logger.error(
        { eventId: event.eventId, sequence: address.sequence },
        'An event is no JSON; it cannot stand in a log file.',
      )
      return
    }
    const taken = { event, address, eventTime: eventTime ?? timeOf(record) }
    for (const candidate of candidates) {
      if (!needsRecord(candidate, event) || selectsEvent(candidate, event, record)) {
        await this.#context.windows.take(candidate.snapshot.trail, taken)
      }
    }
    if (last === undefined) return
    // Whatever the selectors say: the end of logging must be in the logs.
    const { incarnation } = last.snapshot.trail
    await this.#context.windows.take(last.snapshot.trail, taken)
    await this.#context.windows.close((_stream, window) => window.trail.incarnation === incarnation)
    this.#trails.closing.delete(event.eventId)
  }

  async #closeDue(): Promise<void> {
    const { clock, logFileIntervalMs } = this.#context.settings
    const now = slotOf(clock.now(), logFileIntervalMs)
    this.#stopWaiting((_trail, slot) => slot !== now)
    await this.#context.windows.closeDue()
  }

  async #settle(flush: boolean): Promise<void> {
    const { store, digester } = this.#context
    const settle = async (key: string): Promise<void> => {
      const document = store.known(key)
      if (document === undefined) return
      const { trailArn } = document
      const latest = this.#trails.latest(trailArn)
      const quiet = (): boolean => this.#isQuiet(trailArn, key)
      await digester.settle(key, { latest, quiet, flush })
    }
    const chains = this.#chains()
    // Several at once, so that they share commits.
    while (chains.length > 0) await allSettledOrThrow(chains.splice(0, CHAINS_AT_ONCE).map(settle))
  }

  #isQuiet(trailArn: string, chain: string): boolean {
    const { windows, flights } = this.#context
    const waits = [...this.#trails.closing.values()].some(
      ({ snapshot, waiting }) => waiting && snapshot.trail.arn === trailArn,
    )
    return !waits && !windows.busy(chain) && !flights.busy(chain)
  }

  #durable(): Sequence {
    const { windows, flights } = this.#context
    let held = Math.min(windows.firstSequence(), flights.firstSequence(this.#shard))
    for (const { snapshot, waiting } of this.#trails.closing.values()) {
      if (waiting) held = Math.min(held, snapshot.sequence)
    }
    return Math.min(this.#head, held - 1)
  }

  /** Stores how far the shard is, so that older forms of the trails can be forgotten. */
  async #raiseFloor(): Promise<void> {
    const sequence = this.#durable()
    const value: Passed = { version: 1, sequence }
    await this.#context.documents.put(`${PASSED_PREFIX}${this.#shard}`, value, 'any')
    this.#floor = Math.max(this.#floor, sequence)
  }
}
