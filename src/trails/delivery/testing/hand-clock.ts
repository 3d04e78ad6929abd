import type { Clock } from '../../../platform/clock.ts'

/** A clock that moves when a test moves it; wall clock and monotonic clock on their own. */
export class HandClock implements Clock {
  #now: number
  #monotonic = 0
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#monotonic + ms, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(signal.reason as Error)
      })
    })
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#now += ms
    this.#monotonic += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#monotonic) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }

  /** Someone sets the wall clock. */
  set(now: number): void {
    this.#now = now
  }
}
