/**
 * One life of the delivering process. Everything durable that it does is a step; it can be killed
 * before or after any step, and from then on nothing that it does has an effect or comes back.
 */
import type { Documents } from '../../../documents/documents.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { TrailBucket } from '../../bucket-access.ts'

export interface Death {
  /** Number of the step, from 1. */
  readonly step: number
  readonly when: 'before' | 'after'
}

const never = <Result>(): Promise<Result> => new Promise(() => {})

export class Life {
  readonly #death: Death | undefined
  #steps = 0
  #dead = false
  #die: () => void = () => {}
  /** Resolves when it is killed. */
  readonly died: Promise<'died'>

  constructor(death?: Death) {
    this.#death = death
    this.died = new Promise((resolve) => {
      this.#die = () => resolve('died')
    })
  }

  get steps(): number {
    return this.#steps
  }

  kill(): void {
    this.#dead = true
    this.#die()
  }

  async step<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#dead) return never()
    this.#steps++
    const mine = this.#death?.step === this.#steps ? this.#death : undefined
    if (mine?.when === 'before') this.kill()
    if (this.#dead) return never()
    const result = await work()
    if (mine?.when === 'after') this.kill()
    return this.#dead ? never() : result
  }

  async #look<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = await work()
    return this.#dead ? never() : result
  }

  documents(real: Documents): Documents {
    return {
      get: (key) => this.#look(() => real.get(key)),
      list: (prefix) => this.#look(() => real.list(prefix)),
      put: (key, value, expected) => this.step(() => real.put(key, value, expected)),
      remove: (key, expected) => this.step(() => real.remove(key, expected)),
      watch: (prefix, changed) => real.watch(prefix, changed),
      close: async () => {},
    }
  }

  bucket(real: TrailBucket): TrailBucket {
    return {
      checkAcl: (trail) => this.#look(() => real.checkAcl(trail)),
      put: async (trail, key, body, object) => {
        const outcome = await this.step(() =>
          real.put(trail, key, body, object).then(
            () => undefined,
            (error: unknown) => ({ error }),
          ),
        )
        if (outcome !== undefined) throw outcome.error
      },
    }
  }

  clock(real: Clock): Clock {
    return {
      now: () => real.now(),
      monotonic: () => real.monotonic(),
      sleep: (ms, signal) => this.#look(() => real.sleep(ms, signal)),
    }
  }
}
