import type { Documents } from '../../documents/documents.ts'
import { DocumentsError } from '../../documents/documents.ts'
import type { Clock } from '../../platform/clock.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Consumer } from '../consumer.ts'
import type { JournalReader, Sequence, Shard } from '../journal.ts'
import type { RunnerTelemetry } from '../telemetry.ts'
import { type Cursor, openCursor } from './cursor.ts'
import type { EntrySource } from './entry-source.ts'

/** A cursor is written at most so often while entries flow. */
export const CURSOR_INTERVAL_MS = 1_000
/** Far below the second in which an event must be visible, and twenty commits a second at most. */
export const GATHER_MS = 50
const BACKOFF_MS = 100
const BACKOFF_MAX_MS = 30_000

/**
 * - `consumer-failed`: a consumer could not take or flush; it goes on trying by itself.
 * - `superseded`: another runner moved a cursor: this process must end.
 * - `stopped`: the runner stops.
 */
export class RunnerError extends CodedError<'consumer-failed' | 'superseded' | 'stopped'> {}

export interface FollowerOptions {
  readonly journal: JournalReader
  readonly source: EntrySource
  readonly documents: Documents
  readonly consumer: Consumer
  readonly shard: Shard
  readonly clock: Clock
  readonly logger: Logger
  readonly telemetry: RunnerTelemetry
  readonly tickMs: number
  readonly batchFrames: number
  readonly batchBytes: number
  /** Between 0 and 1, for the jitter of pauses. */
  readonly random: () => number
}

type Request =
  | { readonly kind: 'pass'; readonly head: Sequence; readonly answer: PromiseWithResolvers<void> }
  | { readonly kind: 'flush'; readonly answer: PromiseWithResolvers<void> }

/** One consumer in one shard: reads, hands over, retries, keeps the cursor. */
export class Follower {
  readonly #o: FollowerOptions
  readonly #logger: Logger
  /** Aborted when a graceful stop has taken too long. */
  readonly #hard = new AbortController()
  #requests: Request[] = []
  #interrupt = new AbortController()
  #stopping = false
  /** A request came: the next pause is left out. */
  #urged = false
  #cursor: Cursor | undefined
  #position: Sequence = 0
  #durable: Sequence = 0
  #savedAt = Number.NEGATIVE_INFINITY
  /** When the last batch was taken, and its frames; 0 when there was none. */
  #tookAt = Number.NEGATIVE_INFINITY
  #tookFrames = 0
  #tickedAt = Number.NEGATIVE_INFINITY

  constructor(options: FollowerOptions) {
    this.#o = options
    this.#logger = options.logger.child({ consumer: options.consumer.name, shard: options.shard })
  }

  get consumer(): string {
    return this.#o.consumer.name
  }

  get shard(): Shard {
    return this.#o.shard
  }

  /** The highest sequence that was handed to the consumer, or left out. */
  get position(): Sequence {
    return this.#position
  }

  /** The cursor as stored. */
  get cursor(): Sequence {
    return this.#cursor?.sequence ?? 0
  }

  /** Resolves when everything up to `head` was handed over; rejects when the consumer fails. */
  passed(head: Sequence): Promise<void> {
    return this.#ask({ kind: 'pass', head, answer: Promise.withResolvers<void>() })
  }

  /** The consumer's flush, tried once, and the cursor behind it. */
  flush(): Promise<void> {
    return this.#ask({ kind: 'flush', answer: Promise.withResolvers<void>() })
  }

  stop(): void {
    this.#stopping = true
    this.#interrupt.abort()
  }

  abort(): void {
    this.stop()
    this.#hard.abort(new RunnerError('stopped', 'The runner stops.'))
  }

  /** Resolves once stopped, everything handed over being flushed; rejects with `superseded`. */
  async run(): Promise<void> {
    const { consumer, documents, shard } = this.#o
    try {
      await this.#retry('start', async () => {
        const cursor = await openCursor(documents, consumer.name, shard)
        await consumer.start(shard, cursor.sequence)
        this.#cursor = cursor
        this.#position = cursor.sequence
        this.#durable = cursor.sequence
      })
      while (!this.#stopping) await this.#step()
      if (this.#cursor !== undefined && !this.#hard.signal.aborted) await this.#flush()
    } finally {
      this.#refuseRequests(new RunnerError('stopped', `${consumer.name} has stopped.`))
    }
  }

  #ask(request: Request): Promise<void> {
    if (this.#stopping) {
      request.answer.reject(new RunnerError('stopped', `${this.consumer} has stopped.`))
    } else {
      this.#requests.push(request)
      this.#urged = true
      this.#interrupt.abort()
    }
    return request.answer.promise
  }

  async #step(): Promise<void> {
    const { clock, consumer, shard, tickMs } = this.#o
    await this.#serveRequests()
    await this.#gather()
    const took = await this.#take()
    if (clock.monotonic() - this.#tickedAt >= tickMs) {
      await this.#retry('tick', async () => {
        this.#advance(await consumer.tick(shard, this.#hard.signal))
      })
      this.#tickedAt = clock.monotonic()
    }
    await this.#saveCursor(false)
    if (!took) await this.#waitForMore()
  }

  /**
   * The first frame after a pause is handed over at once. While they come one after another, those
   * of GATHER_MS are handed over together: a batch costs the consumer a commit, however small it is.
   */
  async #gather(): Promise<void> {
    const { clock, batchFrames } = this.#o
    const left = this.#tookAt + GATHER_MS - clock.monotonic()
    if (this.#tookFrames > 0 && this.#tookFrames < batchFrames && left > 0) await this.#sleep(left)
  }

  /** Reads and hands over one batch. False where there was nothing. */
  async #take(): Promise<boolean> {
    const { source, consumer, shard, batchFrames, batchBytes, telemetry } = this.#o
    let took = false
    this.#tookFrames = 0
    await this.#retry('consume', async () => {
      const from = this.#position + 1
      const step = await source.read(shard, from, batchFrames, batchBytes)
      if (step.kind === 'skip') {
        const facts = { from, to: step.to, reason: step.reason }
        this.#logger.error(facts, 'Frames cannot be read any more and are left out.')
        telemetry.skipped(consumer.name, step.reason, step.to - from)
        this.#position = step.to - 1
        took = true
        return
      }
      const last = step.entries.at(-1)
      if (last === undefined) return
      this.#tookAt = this.#o.clock.monotonic()
      this.#advance(await consumer.consume(shard, step.entries, this.#hard.signal))
      this.#position = last.sequence
      this.#tookFrames = step.entries.length
      took = true
    })
    return took
  }

  #advance(durable: Sequence): void {
    this.#durable = Math.max(this.#durable, durable)
  }

  async #serveRequests(): Promise<void> {
    const requests = this.#requests
    this.#requests = []
    for (const request of requests) {
      if (request.kind === 'pass' && this.#position < request.head) this.#requests.push(request)
      else if (request.kind === 'pass') request.answer.resolve()
      else await this.#flush().then(() => request.answer.resolve(), request.answer.reject)
    }
  }

  async #flush(): Promise<void> {
    const { consumer, shard } = this.#o
    try {
      this.#advance(await consumer.flush(shard, this.#hard.signal))
    } catch (cause) {
      throw this.#failure('flush', cause)
    }
    await this.#saveCursor(true)
  }

  #failure(what: string, cause: unknown): RunnerError {
    const message = `${this.consumer} could not ${what} in shard ${this.shard} behind sequence ${this.#position}: ${messageOf(cause)}`
    return new RunnerError('consumer-failed', message, { cause })
  }

  #refuseRequests(error: RunnerError): void {
    for (const request of this.#requests.splice(0)) request.answer.reject(error)
  }

  async #saveCursor(now: boolean): Promise<void> {
    const { clock, telemetry } = this.#o
    if (!now && clock.monotonic() - this.#savedAt < CURSOR_INTERVAL_MS) return
    try {
      await this.#cursor?.save(this.#durable)
      this.#savedAt = clock.monotonic()
    } catch (cause) {
      if (cause instanceof DocumentsError && cause.code === 'conflict') {
        throw new RunnerError(
          'superseded',
          `Another runner moved the cursor of ${this.consumer}.`,
          {
            cause,
            hint: 'Only one writer process may run on a data folder.',
          },
        )
      }
      if (now) throw cause
      // Delivery is at least once: an older cursor repeats entries, it loses none.
      this.#logger.error({ error: messageOf(cause) }, 'Cannot store a cursor.')
      telemetry.failed(this.consumer, 'cursor')
      this.#savedAt = clock.monotonic()
    }
  }

  /** Repeats `work` with growing pauses until it succeeds; a batch is never left out. */
  async #retry(what: string, work: () => Promise<void>): Promise<void> {
    const { random, telemetry } = this.#o
    for (let pause = BACKOFF_MS; !this.#stopping; pause = Math.min(pause * 2, BACKOFF_MAX_MS)) {
      try {
        await work()
        telemetry.healthy(this.consumer, this.shard, true)
        return
      } catch (cause) {
        if (this.#hard.signal.aborted) return
        const error = this.#failure(what, cause)
        const facts = { what, sequence: this.#position + 1, error: error.message, pauseMs: pause }
        this.#logger.error(facts, 'A consumer failed and is tried again.')
        telemetry.failed(this.consumer, what)
        telemetry.healthy(this.consumer, this.shard, false)
        this.#refuseRequests(error)
      }
      await this.#sleep(pause * (0.5 + random() / 2))
    }
  }

  /** Ends early for a request or a stop. */
  async #sleep(ms: number, also?: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const urged = this.#urged
    this.#urged = false
    if (this.#stopping || urged) return
    this.#interrupt = new AbortController()
    const ending = new AbortController()
    const signal = AbortSignal.any([this.#interrupt.signal, ending.signal])
    const waits = [this.#o.clock.sleep(ms, signal), ...(also === undefined ? [] : [also(signal)])]
    try {
      await Promise.race(waits)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      ending.abort()
      await Promise.allSettled(waits)
    }
  }

  async #waitForMore(): Promise<void> {
    const { clock, journal, shard, tickMs } = this.#o
    const left = Math.max(0, this.#tickedAt + tickMs - clock.monotonic())
    try {
      await this.#sleep(left, (signal) => journal.wait(shard, this.#position, signal))
    } catch (error) {
      this.#logger.error({ error: messageOf(error) }, 'Cannot wait for the journal.')
      await this.#sleep(BACKOFF_MS)
    }
  }
}
