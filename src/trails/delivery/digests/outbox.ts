/**
 * Digests that are made, signed and linked but not in the bucket yet: documents
 * `delivery/digests/<trail arn>/<region>/<number>`, put strictly in order. A document whose number
 * the chain has not reached is left over from a crash and void.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Documents } from '../../../documents/documents.ts'
import { digestMetadata } from '../../../integrity/digest.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Logger } from '../../../platform/logger.ts'
import { CHAINS_PREFIX, type ChainStore } from '../chain-store.ts'
import type { DeliveryFailure } from '../errors.ts'
import type { Putter } from '../putter.ts'
import { RetryHorizon, RetrySchedule } from '../retry-schedule.ts'
import type { StatusWriter } from '../status-writer.ts'
import type { DeliveryTelemetry } from '../telemetry.ts'

const PREFIX = 'delivery/digests/'
const NUMBER_DIGITS = 10

const compress = promisify(gzip)

export interface MadeDigest {
  readonly version: 1
  readonly trailArn: string
  readonly account: string
  readonly region: string
  readonly incarnation: string
  readonly bucket: string
  readonly key: string
  /** The document's text: what is hashed and signed. */
  readonly text: string
  readonly signature: string
  /** digestEndTime and when it was made; epoch milliseconds. */
  readonly end: number
  readonly madeAt: number
}

export interface OutboxContext {
  readonly documents: Documents
  readonly clock: Clock
  readonly logger: Logger
  readonly store: ChainStore
  readonly put: Putter
  readonly status: StatusWriter
  readonly telemetry: DeliveryTelemetry
}

type Outcome = DeliveryFailure | undefined

interface Queue {
  readonly numbers: number[]
  readonly schedule: RetrySchedule<Outcome>
}

const documentKey = (chain: string, number: number): string =>
  `${PREFIX}${chain.slice(CHAINS_PREFIX.length)}/${String(number).padStart(NUMBER_DIGITS, '0')}`

/** `chain`: the key of a chain document. */
export class Outbox {
  readonly #context: OutboxContext
  readonly #queues = new Map<string, Queue>()
  readonly #horizon: RetryHorizon

  constructor(context: OutboxContext) {
    this.#context = context
    this.#horizon = new RetryHorizon(context.clock)
  }

  /** After the chain documents are loaded. */
  async load(): Promise<void> {
    const { documents, store } = this.#context
    for (const { key } of await documents.list<MadeDigest>(PREFIX)) {
      const cut = key.lastIndexOf('/')
      const chain = `${CHAINS_PREFIX}${key.slice(PREFIX.length, cut)}`
      const number = Number(key.slice(cut + 1))
      if (number < (store.known(chain)?.digests ?? 0)) this.#queue(chain).numbers.push(number)
      else await documents.remove(key, 'any')
    }
  }

  /** Before the chain counts it. */
  async write(chain: string, number: number, digest: MadeDigest): Promise<void> {
    await this.#context.documents.put(documentKey(chain, number), digest, 'any')
  }

  /** After the chain counts it: puts it, in the background. */
  release(chain: string, number: number): void {
    this.#queue(chain).numbers.push(number)
    this.kick(chain)
  }

  kick(chain: string): void {
    const queue = this.#queues.get(chain)
    if (queue === undefined || queue.numbers.length === 0 || !queue.schedule.due) return
    this.#run(chain, queue).catch((error: unknown) => {
      this.#context.logger.error({ error, chain }, 'Digests could not be delivered yet.')
    })
  }

  /** Tries what is there once. */
  async flush(chain: string): Promise<Outcome> {
    const queue = this.#queues.get(chain)
    if (queue === undefined) return undefined
    const failure = await queue.schedule.running
    if (failure !== undefined || queue.numbers.length === 0) return failure
    return await this.#run(chain, queue)
  }

  async settled(): Promise<void> {
    const running = [...this.#queues.values()].flatMap(({ schedule }) => schedule.running ?? [])
    await Promise.allSettled(running)
  }

  #queue(chain: string): Queue {
    const known = this.#queues.get(chain)
    if (known !== undefined) return known
    const queue: Queue = { numbers: [], schedule: new RetrySchedule(this.#context.clock) }
    this.#queues.set(chain, queue)
    return queue
  }

  #run(chain: string, queue: Queue): Promise<Outcome> {
    const { documents } = this.#context
    const work = async (): Promise<Outcome> => {
      for (let [number] = queue.numbers; number !== undefined; [number] = queue.numbers) {
        const place = documentKey(chain, number)
        const found = await documents.get<MadeDigest>(place)
        const failure = found === undefined ? undefined : await this.#deliver(chain, found.value)
        if (failure !== undefined) return failure
        await documents.remove(place, 'any')
        queue.numbers.shift()
      }
      return undefined
    }
    return queue.schedule.run(work, (outcome) => outcome !== undefined)
  }

  async #deliver(chain: string, digest: MadeDigest): Promise<Outcome> {
    const { clock, store, put, status, telemetry } = this.#context
    const body = await compress(digest.text)
    const metadata = digestMetadata(digest.signature)
    const failure = await put({ ...digest, body, metadata, at: digest.madeAt })
    if (failure !== undefined) {
      await status.digestFailed(digest, failure.code)
      if (!this.#horizon.isOver(digest.key, digest.madeAt)) return failure
      this.#horizon.forget(digest.key)
      await this.#giveUp(digest)
      return undefined
    }
    const head = { bucket: digest.bucket, key: digest.key, end: digest.end }
    await store.update(chain, (document) => ({ ...document, head }))
    this.#horizon.forget(digest.key)
    telemetry.digest()
    await status.digestDelivered(digest, clock.now())
    return undefined
  }

  async #giveUp(digest: MadeDigest): Promise<void> {
    const { status, telemetry, logger } = this.#context
    await status.lost(digest, { digests: 1 })
    telemetry.lost(1, 0)
    logger.error({ key: digest.key }, 'A digest was given up: the chain has a gap.')
  }
}
