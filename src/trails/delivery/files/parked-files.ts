/**
 * Parked log files: retried with growing pauses for 30 days, then given up with a recorded gap. A
 * file is recorded as delivered exactly once: its id is in the chain document's `settled` list from
 * the compare-and-set that records it until the pending folder has let it go.
 */
import type { Shard } from '../../../journal/journal.ts'
import type { Clock } from '../../../platform/clock.ts'
import { systemCodeOf } from '../../../platform/errors.ts'
import type { Logger } from '../../../platform/logger.ts'
import { type Plan, withoutSettled, withSettled } from '../chain-state.ts'
import { type ChainStore, chainKey } from '../chain-store.ts'
import { DeliveryError, type DeliveryFailure } from '../errors.ts'
import type { Putter } from '../putter.ts'
import { RetryHorizon, RetrySchedule } from '../retry-schedule.ts'
import type { StatusWriter } from '../status-writer.ts'
import type { DeliveryTelemetry } from '../telemetry.ts'
import type { PendingFolder } from './pending-folder.ts'

export interface ParkedContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly store: ChainStore
  readonly put: Putter
  readonly status: StatusWriter
  readonly telemetry: DeliveryTelemetry
  readonly pending: PendingFolder
  readonly bytesMax: number
  /** Files that are not parked yet for good: they are their flight's. */
  readonly isFlying: (id: string) => boolean
}

/**
 * Files of one trail that are retried in one go: between two goes a digest can take them over, so
 * that its list stays short.
 */
const FILES_AT_ONCE = 100

type Outcome = DeliveryFailure | undefined

export class ParkedFiles {
  readonly #context: ParkedContext
  /** By shard and trail: while the oldest file cannot be put, none of them is tried. */
  readonly #schedules = new Map<string, RetrySchedule<Outcome>>()
  /** Files that are being retried or given up: nobody else may touch them. */
  readonly #busy = new Set<string>()
  readonly #horizon: RetryHorizon

  constructor(context: ParkedContext) {
    this.#context = context
    this.#horizon = new RetryHorizon(context.clock)
  }

  /** Brings folder and documents together after a start; the documents are loaded. */
  async recover(): Promise<void> {
    const { store, pending } = this.#context
    for (const key of store.keys()) {
      const document = store.known(key)
      for (const id of document?.settled ?? []) {
        await pending.remove(id)
        await store.update(key, (current) => withoutSettled(current, id))
      }
      // A plan that is still open is executed from the journal; its parked copy is void.
      const streams = Object.values(document?.streams ?? {})
      for (const { id } of streams.flatMap(({ plans }) => plans)) await pending.remove(id)
    }
    this.#measure()
  }

  /** Above the folder's bound the oldest files are given up. */
  async park(plan: Plan, body: Uint8Array): Promise<void> {
    const { pending, bytesMax, isFlying } = this.#context
    for (const { plan: oldest } of pending.list()) {
      if (isFlying(oldest.id)) continue
      if (pending.bytes() + body.length <= bytesMax) break
      await this.#alone(oldest, () => this.#giveUp(oldest, 'The pending folder is full.'))
    }
    await pending.write(plan, body)
    this.#schedule(plan.shard, plan.trailArn).postpone()
    this.#measure()
  }

  /** Starts what is due, in the background. */
  kick(shard: Shard): void {
    for (const trailArn of this.#trails(shard)) {
      if (!this.#schedule(shard, trailArn).due) continue
      this.#run(shard, trailArn).catch((error: unknown) => {
        this.#context.logger.error(
          { error, trail: trailArn },
          'Pending deliveries could not be retried.',
        )
      })
    }
  }

  /** Does anything wait, save for the trails of `skip`? */
  waits(shard: Shard, skip: ReadonlySet<string>): boolean {
    return this.#trails(shard).some((trailArn) => !skip.has(trailArn))
  }

  /** Tries the oldest files of every trail once, save those of `skip`. */
  async flush(shard: Shard, skip: ReadonlySet<string>): Promise<DeliveryFailure[]> {
    const trails = this.#trails(shard).filter((trailArn) => !skip.has(trailArn))
    const outcomes = await Promise.all(trails.map((trailArn) => this.#run(shard, trailArn)))
    return outcomes.filter((failure) => failure !== undefined)
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#schedules.values()].flatMap(({ running }) => running ?? []))
  }

  #measure(): void {
    const { pending, telemetry } = this.#context
    telemetry.pending(pending.list().length, pending.bytes())
  }

  #schedule(shard: Shard, trailArn: string): RetrySchedule<Outcome> {
    const id = `${shard}/${trailArn}`
    const known = this.#schedules.get(id)
    if (known !== undefined) return known
    const schedule = new RetrySchedule<Outcome>(this.#context.clock)
    this.#schedules.set(id, schedule)
    return schedule
  }

  #plans(shard: Shard): Plan[] {
    const { pending, isFlying } = this.#context
    const plans = pending.list().map(({ plan }) => plan)
    return plans.filter((plan) => plan.shard === shard && !isFlying(plan.id))
  }

  #trails(shard: Shard): string[] {
    return [...new Set(this.#plans(shard).map(({ trailArn }) => trailArn))]
  }

  #run(shard: Shard, trailArn: string): Promise<Outcome> {
    const work = async (): Promise<Outcome> => {
      try {
        const mine = this.#plans(shard).filter((plan) => plan.trailArn === trailArn)
        for (const plan of mine.slice(0, FILES_AT_ONCE)) {
          const failure = await this.#alone(plan, () => this.#retry(plan))
          if (failure !== undefined) return failure
        }
        return undefined
      } finally {
        this.#measure()
      }
    }
    return this.#schedule(shard, trailArn).run(work, (outcome) => outcome !== undefined)
  }

  async #alone<Result>(plan: Plan, work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#busy.has(plan.id) || !this.#context.pending.has(plan.id)) return undefined
    this.#busy.add(plan.id)
    try {
      return await work()
    } finally {
      this.#busy.delete(plan.id)
    }
  }

  async #retry(plan: Plan): Promise<Outcome> {
    const { clock, put, status, telemetry } = this.#context
    const age = clock.now() - plan.plannedAt
    const body = await this.#read(plan)
    if (body === undefined) return undefined
    const failure = await put({ ...plan, body, at: clock.now(), retried: true })
    if (failure !== undefined) {
      await status.failed(plan, clock.now(), failure.code)
      if (!this.#horizon.isOver(plan.id, plan.plannedAt)) return failure
      await this.#giveUp(plan, 'It could not be delivered for 30 days.')
      return undefined
    }
    await this.#settle(plan)
    telemetry.delivered(plan.count, body.length, Math.max(0, age) / 1000)
    await status.delivered(plan, clock.now())
    return undefined
  }

  async #read(plan: Plan): Promise<Buffer | undefined> {
    const { pending, logger } = this.#context
    try {
      return await pending.read(plan.id)
    } catch (error) {
      // The disk may answer again; only what is gone or damaged never comes back.
      const isLost = error instanceof DeliveryError || systemCodeOf(error) === 'ENOENT'
      if (!isLost) throw error
      logger.error({ error, key: plan.key }, 'A pending delivery cannot be read.')
      await this.#giveUp(plan, 'Its pending file cannot be read.')
      return undefined
    }
  }

  async #settle(plan: Plan): Promise<void> {
    const { store, pending } = this.#context
    await store.read(plan.trailArn, plan.account, plan.region)
    const key = chainKey(plan.trailArn, plan.account, plan.region)
    await store.update(key, (document) => withSettled(document, plan))
    await pending.remove(plan.id)
    this.#horizon.forget(plan.id)
    await store.update(key, (document) => withoutSettled(document, plan.id))
  }

  async #giveUp(plan: Plan, why: string): Promise<void> {
    const { pending, status, telemetry, logger } = this.#context
    await status.lost(plan, { files: 1, events: plan.count })
    await pending.remove(plan.id)
    this.#horizon.forget(plan.id)
    telemetry.lost(1, plan.count)
    logger.error(
      { trail: plan.trailArn, key: plan.key, events: plan.count, why },
      'A log file was given up: the trail has a gap.',
    )
  }
}
