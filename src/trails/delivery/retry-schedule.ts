/** When something that fails is tried again, and that it is tried once at a time. */
import type { Clock } from '../../platform/clock.ts'
import { RETRY_FIRST_MS, RETRY_HORIZON_MS, RETRY_LAST_MS } from './options.ts'

/**
 * Is a delivery past its 30 days? Only what was so for an hour by the clock that nobody can set: a
 * wall clock that jumps ahead and is set right again must not give up every pending file.
 */
export class RetryHorizon {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  /** By delivery: when it was first seen past its horizon, monotonic. */
  readonly #since = new Map<string, number>()

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock
  }

  /** `bornAt`: epoch milliseconds. */
  isOver(id: string, bornAt: number): boolean {
    if (this.#clock.now() - bornAt <= RETRY_HORIZON_MS) {
      this.#since.delete(id)
      return false
    }
    const now = this.#clock.monotonic()
    const since = this.#since.get(id) ?? now
    this.#since.set(id, since)
    return now - since >= RETRY_LAST_MS
  }

  forget(id: string): void {
    this.#since.delete(id)
  }
}

export class RetrySchedule<Outcome> {
  readonly #clock: Pick<Clock, 'monotonic'>
  #failures = 0
  #nextAt = 0
  #running: Promise<Outcome> | undefined

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  get due(): boolean {
    return this.#running === undefined && this.#clock.monotonic() >= this.#nextAt
  }

  get running(): Promise<Outcome> | undefined {
    return this.#running
  }

  /** Not before the first pause is over. */
  postpone(): void {
    this.#nextAt = Math.max(this.#nextAt, this.#clock.monotonic() + RETRY_FIRST_MS)
  }

  /** Joins what is under way, or starts `work`. `failed`: the pause grows; it starts over else. */
  run(work: () => Promise<Outcome>, failed: (outcome: Outcome) => boolean): Promise<Outcome> {
    if (this.#running !== undefined) return this.#running
    const end = (bad: boolean): void => {
      this.#running = undefined
      const pause = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** this.#failures)
      this.#nextAt = bad ? this.#clock.monotonic() + pause : 0
      this.#failures = bad ? this.#failures + 1 : 0
    }
    this.#running = work().then(
      (outcome) => {
        end(failed(outcome))
        return outcome
      },
      (error: unknown) => {
        end(true)
        throw error
      },
    )
    return this.#running
  }
}
