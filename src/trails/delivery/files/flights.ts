/**
 * Planned log files on their way: put, recorded; or, where the put fails, parked. Until one of the
 * two is durable, the cursor stays in front of the file's first event.
 */
import type { Sequence, Shard } from '../../../journal/journal.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Logger } from '../../../platform/logger.ts'
import { type Plan, withDelivered, withParked } from '../chain-state.ts'
import { type ChainStore, chainKey } from '../chain-store.ts'
import type { DeliveryFailure } from '../errors.ts'
import type { Putter } from '../putter.ts'
import type { StatusWriter } from '../status-writer.ts'
import type { DeliveryTelemetry } from '../telemetry.ts'
import type { FinishedFile, MemoryBudget } from './log-file.ts'

export interface FlightsContext {
  readonly clock: Clock
  readonly logger: Logger
  readonly store: ChainStore
  readonly put: Putter
  readonly status: StatusWriter
  readonly telemetry: DeliveryTelemetry
  readonly budget: MemoryBudget
  /** Takes a file whose put failed; durable when it resolves. */
  readonly park: (plan: Plan, body: Uint8Array) => Promise<void>
  /** Removes what an earlier attempt parked; nothing where it parked nothing. */
  readonly unpark: (id: string) => Promise<void>
}

type Outcome = DeliveryFailure | undefined

interface Flight {
  readonly plan: Plan
  readonly file: FinishedFile
  /** Undefined while it waits to be started again after an error of our own storage. */
  running: Promise<Outcome> | undefined
}

export class Flights {
  readonly #context: FlightsContext
  readonly #flights = new Map<string, Flight>()

  constructor(context: FlightsContext) {
    this.#context = context
  }

  launch(plan: Plan, file: FinishedFile): void {
    const flight: Flight = { plan, file, running: undefined }
    this.#flights.set(plan.id, flight)
    this.#context.budget.held += file.body.length
    this.#start(flight)
  }

  /** Starts again what our own storage refused. */
  resume(shard: Shard): void {
    for (const flight of this.#of(shard)) if (flight.running === undefined) this.#start(flight)
  }

  /** Waits for the shard's; rejects with the first error of our own storage. */
  async settled(shard: Shard): Promise<DeliveryFailure[]> {
    const running = this.#of(shard).flatMap((flight) => flight.running ?? [])
    const outcomes = await Promise.all(running)
    return outcomes.filter((failure) => failure !== undefined)
  }

  /** A parked copy of such a file is void: its plan is still open. */
  has(id: string): boolean {
    return this.#flights.has(id)
  }

  firstSequence(shard: Shard): Sequence {
    const sequences = this.#of(shard).map(({ plan }) => plan.first.sequence)
    return Math.min(Number.POSITIVE_INFINITY, ...sequences)
  }

  /** `chain`: the key of a chain document. */
  busy(chain: string): boolean {
    for (const { plan } of this.#flights.values()) {
      if (chainKey(plan.trailArn, plan.account, plan.region) === chain) return true
    }
    return false
  }

  #of(shard: Shard): Flight[] {
    return [...this.#flights.values()].filter(({ plan }) => plan.shard === shard)
  }

  #start(flight: Flight): void {
    const { plan, file } = flight
    const { budget, logger } = this.#context
    flight.running = this.#fly(flight).then(
      (failure) => {
        this.#flights.delete(plan.id)
        budget.held -= file.body.length
        return failure
      },
      (error: unknown) => {
        flight.running = undefined
        logger.error({ error, key: plan.key }, 'A delivery could not be recorded; it is repeated.')
        throw error
      },
    )
    // `settled` reports it; without a flush the next tick repeats the flight.
    flight.running.catch(() => {})
  }

  async #fly({ plan, file }: Flight): Promise<Outcome> {
    const { clock, store, status, telemetry, put, park, unpark } = this.#context
    const key = chainKey(plan.trailArn, plan.account, plan.region)
    const failure = await put({ ...plan, body: file.body, at: plan.plannedAt })
    const now = clock.now()
    if (failure === undefined) {
      // An attempt before this one may have parked the file and then failed to record that.
      await unpark(plan.id)
      await store.update(key, (document) => withDelivered(document, plan))
      const oldest = Date.parse(plan.oldestEventTime ?? '')
      const age = Number.isNaN(oldest) ? 0 : Math.max(0, now - oldest) / 1000
      telemetry.delivered(plan.count, file.body.length, age)
      await status.delivered(plan, now)
    } else {
      await park(plan, file.body)
      await store.update(key, (document) => withParked(document, plan))
      await status.failed(plan, now, failure.code)
    }
    return failure
  }
}
