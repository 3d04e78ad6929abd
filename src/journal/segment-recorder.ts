import { setTimeout as delay } from 'node:timers/promises'
import type { SealedEvent } from '../event/sealed-event.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import { uuid } from '../platform/ids.ts'
import type { Logger } from '../platform/logger.ts'
import type { ControlFrame, Frame, Intent } from './frame.ts'
import { encodeFrame, FRAME_TEXT_BYTES_MAX } from './frame-codec.ts'
import { INTENTS_OPEN_MAX, type IntentTracker } from './intents/intent-tracker.ts'
import {
  type Journal,
  JournalError,
  type JournalErrorCode,
  type Sequence,
  type Shard,
} from './journal.ts'
import type { EventRecorder } from './recorder.ts'
import { type CallsUnderWay, gatherSiblings } from './recording/gather-siblings.ts'
import { groupEvents } from './recording/group-events.ts'
import { drainSpool } from './spool/drain-spool.ts'
import type { Spool } from './spool/spool.ts'
import type { RecorderTelemetry } from './telemetry.ts'

/** How long an append of unknown outcome is repeated before its events go to the spool. */
export const APPEND_RETRY_MS = 10_000
const RETRY_PAUSE_MS = 50
const RETRY_PAUSE_MAX_MS = 1_000
/** How often a waiting spool is tried again. */
export const DRAIN_RETRY_MS = 1_000
/** Texts that wait for their commit; beyond it calls are refused as `full`. */
export const RECORDING_BYTES_MAX = 128 * 1024 * 1024

/** Of an event's id, account or region, in UTF-16 units. */
const NAME_LENGTH_MAX = 1_024

const LINE_FEED = 0x0a

export interface RecorderOptions {
  readonly journal: Journal
  readonly spool: Spool
  readonly shardOf: (account: string, region: string, count: number) => Shard
  readonly tracker: IntentTracker
  readonly clock: Clock
  readonly logger: Logger
  readonly telemetry?: RecorderTelemetry
  /** The calls whose events are likely to come next; absent: nothing is waited for. */
  readonly calls?: CallsUnderWay
  /** Management writes go on although their intent cannot be recorded. */
  readonly failOpen: boolean
}

interface Waiting<Item> {
  readonly items: readonly Item[]
  readonly bytes: number
  readonly answer: PromiseWithResolvers<void>
}

/** What one shard waits for; one batch is under way at a time, and what comes meanwhile joins the next. */
interface Lane {
  readonly shard: Shard
  events: Waiting<SealedEvent>[]
  intents: Waiting<Intent>[]
  controls: { frame: ControlFrame; id: string; answer: PromiseWithResolvers<void> }[]
  running: Promise<void> | undefined
  /** Called when something joins: the next commit may wait for that. */
  joined: () => void
  /** The journal holds nothing of this process from here on. */
  next: Promise<Sequence>
}

const waitingIn = ({ events, intents, controls }: Lane): number =>
  events.length + intents.length + controls.length

const closedError = (): JournalError => new JournalError('closed', 'The recorder is closed.')

/** One caller's faulty event must not fail the frame that others share with it. */
const validate = (event: SealedEvent | Intent): void => {
  const names = [event.eventId, event.account, event.region]
  if (names.some((name) => name.length > NAME_LENGTH_MAX)) {
    throw new JournalError('too-large', 'An event id, account or region is too long.')
  }
  if (event.text.length >= FRAME_TEXT_BYTES_MAX) {
    throw new JournalError('too-large', `Event ${event.eventId} has ${event.text.length} bytes.`)
  }
  if (event.text.includes(LINE_FEED)) {
    throw new TypeError(`The text of event ${event.eventId} is not on one line.`)
  }
}

const bytesOf = (items: readonly { readonly text: Buffer }[]): number =>
  items.reduce((sum, item) => sum + item.text.length, 0)

const mayBeSpooled = (code: JournalErrorCode): boolean =>
  code === 'unknown' || code === 'full' || code === 'closed'

class GroupingRecorder implements EventRecorder {
  readonly #o: RecorderOptions
  readonly #lanes: readonly Lane[]
  readonly #stop = new AbortController()
  #bytes = 0
  #draining: Promise<void> | undefined

  constructor(options: RecorderOptions) {
    this.#o = options
    this.#lanes = options.journal.shards.map((shard) => ({
      shard,
      events: [],
      intents: [],
      controls: [],
      running: undefined,
      joined: () => {},
      // Without an answer the whole shard is searched at a drain: slow, and right.
      next: options.journal.range(shard).then(
        ({ next }) => next,
        () => 1,
      ),
    }))
    this.#drainSoon()
  }

  async record(events: readonly SealedEvent[]): Promise<void> {
    const byLane = new Map<Lane, SealedEvent[]>()
    for (const event of events) {
      const lane = this.#laneOf(event)
      const same = byLane.get(lane)
      if (same === undefined) byLane.set(lane, [event])
      else same.push(event)
    }
    this.#enter(events)
    await this.#all(
      [...byLane].map(([lane, items]) => {
        const answer = Promise.withResolvers<void>()
        lane.events.push({ items, bytes: bytesOf(items), answer })
        this.#run(lane)
        return answer.promise
      }),
      bytesOf(events),
    )
  }

  async intend(intent: Intent): Promise<void> {
    if (this.#o.tracker.open >= INTENTS_OPEN_MAX) {
      throw new JournalError('full', 'Too many management writes wait for their outcome.')
    }
    const lane = this.#laneOf(intent)
    this.#enter([intent])
    const answer = Promise.withResolvers<void>()
    lane.intents.push({ items: [intent], bytes: intent.text.length, answer })
    this.#run(lane)
    await this.#all([answer.promise], intent.text.length)
  }

  async control(frame: ControlFrame, id: string): Promise<void> {
    this.#enter([])
    await this.#all(
      this.#lanes.map((lane) => {
        const answer = Promise.withResolvers<void>()
        lane.controls.push({ frame, id: `${id}/${lane.shard}`, answer })
        this.#run(lane)
        return answer.promise
      }),
      0,
    )
  }

  async close(): Promise<void> {
    this.#stop.abort(closedError())
    for (const lane of this.#lanes) await lane.running
    await this.#draining
  }

  #enter(items: readonly (SealedEvent | Intent)[]): void {
    if (this.#stop.signal.aborted) throw closedError()
    for (const item of items) validate(item)
    const bytes = bytesOf(items)
    if (this.#bytes + bytes > RECORDING_BYTES_MAX) {
      throw new JournalError('full', 'Too many events wait to be recorded.', {
        hint: 'The disk is slower than the load; see clew_journal_commit_seconds.',
      })
    }
    this.#bytes += bytes
  }

  /** Waits for every part before it tells the first failure. */
  async #all(parts: readonly Promise<void>[], bytes: number): Promise<void> {
    const results = await Promise.allSettled(parts)
    this.#bytes -= bytes
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #laneOf(item: { account: string; region: string }): Lane {
    const shard = this.#o.shardOf(item.account, item.region, this.#lanes.length)
    const lane = this.#lanes[shard]
    if (lane === undefined) throw new RangeError(`The journal has no shard ${shard}.`)
    return lane
  }

  #run(lane: Lane): void {
    lane.joined()
    lane.running ??= this.#runLane(lane)
  }

  async #runLane(lane: Lane): Promise<void> {
    while (waitingIn(lane) > 0) {
      const { calls } = this.#o
      if (calls !== undefined) await gatherSiblings(lane, calls, () => waitingIn(lane))
      // What is called in the same turn goes along: the wait is none, and the frame is one.
      const next = await lane.next
      const [events, intents, controls] = [lane.events, lane.intents, lane.controls]
      lane.events = []
      lane.intents = []
      lane.controls = []
      const reached = await Promise.all([
        this.#commitEvents(lane, events, next),
        this.#commitIntents(lane, intents),
        ...controls.map((each) => this.#commitControl(lane, each)),
      ])
      const highest = Math.max(0, ...reached.flat())
      if (highest > 0) {
        lane.next = Promise.resolve(Math.max(next, highest + 1))
        this.#o.tracker.reached(lane.shard, highest)
      }
    }
    lane.running = undefined
  }

  /** One frame per megabyte; each answer waits for the frames that its events went into. */
  async #commitEvents(
    lane: Lane,
    waiting: readonly Waiting<SealedEvent>[],
    next: Sequence,
  ): Promise<Sequence[]> {
    const groups = groupEvents(waiting.flatMap((each) => each.items))
    const place = new Map<SealedEvent, number>()
    groups.forEach((group, index) => {
      for (const event of group) place.set(event, index)
    })
    const commits = groups.map((group) => this.#commitGroup(lane, group, next))
    for (const { items, answer } of waiting) {
      const own = new Set(items.map((event) => place.get(event) ?? 0))
      settle(
        answer,
        commits.filter((_, index) => own.has(index)),
      )
    }
    return reachedOf(commits)
  }

  async #commitGroup(
    lane: Lane,
    events: readonly SealedEvent[],
    next: Sequence,
  ): Promise<Sequence> {
    const frame: Frame = { kind: 'events', events }
    const bytes = encodeFrame(frame)
    try {
      const sequence = await this.#append(lane.shard, bytes, uuid())
      this.#o.tracker.resolved(events.map((event) => event.eventId))
      this.#o.telemetry?.recorded(events.length)
      return sequence
    } catch (error) {
      if (!(error instanceof JournalError) || !mayBeSpooled(error.code)) throw error
      await this.#o.spool.put(lane.shard, next, bytes)
      this.#o.telemetry?.spooled(events.length)
      this.#drainSoon()
      return 0
    }
  }

  async #commitIntents(lane: Lane, waiting: readonly Waiting<Intent>[]): Promise<Sequence[]> {
    const groups = groupEvents(waiting.map(({ items, answer }) => intentOf(items, answer)))
    const commits = groups.map(async (group) => {
      const frame: Frame = { kind: 'intents', intents: group.map(({ intent }) => intent) }
      try {
        const sequence = await this.#append(lane.shard, encodeFrame(frame), uuid())
        const ids = group.map(({ intent }) => intent.eventId)
        this.#o.tracker.opened(lane.shard, sequence, ids)
        for (const { answer } of group) answer.resolve()
        return sequence
      } catch (error) {
        for (const { answer, intent } of group) this.#refuseIntent(intent, answer, error)
        return 0
      }
    })
    return Promise.all(commits)
  }

  #refuseIntent(intent: Intent, answer: PromiseWithResolvers<void>, error: unknown): void {
    if (!this.#o.failOpen) {
      answer.reject(error)
      return
    }
    const facts = { eventId: intent.eventId, error: messageOf(error) }
    this.#o.logger.error(facts, 'A management write goes on without an intent (fail open).')
    answer.resolve()
  }

  async #commitControl(lane: Lane, control: Lane['controls'][number]): Promise<Sequence[]> {
    try {
      const sequence = await this.#append(lane.shard, encodeFrame(control.frame), control.id)
      control.answer.resolve()
      return [sequence]
    } catch (error) {
      control.answer.reject(error)
      return []
    }
  }

  /** Repeats an append of unknown outcome with the same id, for ten seconds. */
  async #append(shard: Shard, bytes: Buffer, id: string): Promise<Sequence> {
    const { journal, clock } = this.#o
    const deadline = clock.monotonic() + APPEND_RETRY_MS
    for (let pause = RETRY_PAUSE_MS; ; pause = Math.min(pause * 2, RETRY_PAUSE_MAX_MS)) {
      try {
        return await journal.append(shard, bytes, id)
      } catch (error) {
        const unknown = error instanceof JournalError && error.code === 'unknown'
        if (!unknown || clock.monotonic() >= deadline) throw error
      }
      await clock.sleep(pause)
    }
  }

  /** Drains in the background for as long as something waits; errors are told once. */
  #drainSoon(): void {
    if (this.#draining !== undefined || this.#o.spool.waiting === 0) return
    this.#draining = this.#drain().finally(() => {
      this.#draining = undefined
      if (!this.#stop.signal.aborted) this.#drainSoon()
    })
  }

  async #drain(): Promise<void> {
    const { spool, journal, logger, tracker, telemetry } = this.#o
    let told = false
    while (spool.waiting > 0 && !this.#stop.signal.aborted) {
      try {
        const appended = (ids: readonly string[]): void => tracker.resolved(ids)
        await drainSpool({ spool, journal, logger, appended })
      } catch (error) {
        if (!told) logger.warn({ error: messageOf(error) }, 'The spool waits for the journal.')
        told = true
        await this.#pause()
      }
      telemetry?.spoolWaiting(spool.waiting)
    }
  }

  /** A timer that keeps no process alive; ends early when the recorder closes. */
  async #pause(): Promise<void> {
    try {
      await delay(DRAIN_RETRY_MS, undefined, { signal: this.#stop.signal, ref: false })
    } catch {
      // Aborted: the loop looks at the signal itself.
    }
  }
}

const intentOf = (items: readonly Intent[], answer: PromiseWithResolvers<void>) => {
  const [intent] = items
  if (intent === undefined) throw new RangeError('An empty intent.')
  return { intent, answer, text: intent.text }
}

const settle = (answer: PromiseWithResolvers<void>, parts: readonly Promise<unknown>[]): void => {
  Promise.all(parts).then(() => answer.resolve(), answer.reject)
}

const reachedOf = async (commits: readonly Promise<Sequence>[]): Promise<Sequence[]> =>
  (await Promise.allSettled(commits)).map((each) => (each.status === 'fulfilled' ? each.value : 0))

/**
 * The recorder over any journal. Drain the spool (`drainSpool`) and recover the intents before the
 * first call; afterwards it drains by itself whenever the journal takes frames again. The owner
 * closes it before journal and spool.
 */
export const createRecorder = (options: RecorderOptions): EventRecorder =>
  new GroupingRecorder(options)
