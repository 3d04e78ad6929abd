/** A small journal, documents and buckets around the delivery consumer, on a hand clock. */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { EventCategory, EventOrigin, SealedEvent } from '../../../event/sealed-event.ts'
import { compileSelectors } from '../../../event/selectors/compile.ts'
import { openSigningKeys, type SigningKeys } from '../../../integrity/signing-keys.ts'
import type { Entry } from '../../../journal/consumer.ts'
import type { Frame } from '../../../journal/frame.ts'
import { isoSeconds } from '../../../platform/clock.ts'
import { masterKeyOf } from '../../../platform/encryption.ts'
import { silentLogger } from '../../../platform/logger.ts'
import type { Trail } from '../../trail.ts'
import { createDeliveryConsumer, type DeliveryConsumer } from '../consumer.ts'
import type { DeliveryOptions } from '../options.ts'
import { HandClock } from './hand-clock.ts'
import { type Death, Life } from './life.ts'
import { MemoryBucket } from './memory-bucket.ts'
import { MemoryDocuments } from './memory-documents.ts'

export const ACCOUNT = '210000000001'
export const HOME = 'eu-west-1'
export const BUCKET = 'audit-demo'
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
/** 2026-03-02 08:15:20 */
export const START = Date.UTC(2026, 2, 2, 8, 15, 20)

/** So often in a row the pending folder is seen without a file that is being written. */
const LOOKS = 3

export const master = masterKeyOf(Buffer.alloc(32, 7))
const sharedKeys = openSigningKeys({
  documents: new MemoryDocuments(),
  master,
  clock: { now: () => START },
})

export const trailOf = (changes: Partial<Trail> = {}): Trail => ({
  name: 'main',
  arn: `arn:aws:cloudtrail:${HOME}:${ACCOUNT}:trail/main`,
  account: ACCOUNT,
  homeRegion: HOME,
  s3BucketName: BUCKET,
  includeGlobalServiceEvents: true,
  isMultiRegionTrail: false,
  logFileValidationEnabled: true,
  selectors: {
    basic: [
      {
        ReadWriteType: 'All',
        IncludeManagementEvents: true,
        DataResources: [],
        ExcludeManagementEventSources: [],
      },
    ],
  },
  hasCustomEventSelectors: false,
  isLogging: false,
  createdAt: START - HOUR,
  incarnation: 'incarnation-1',
  revision: 1,
  tags: [],
  ...changes,
})

export interface EventWishes {
  readonly name?: string
  readonly source?: string
  readonly region?: string
  readonly account?: string
  readonly category?: EventCategory
  readonly origin?: EventOrigin
  readonly eventId?: string
  readonly time?: number
  readonly readOnly?: boolean
  readonly padding?: number
  readonly resources?: readonly { readonly type: string; readonly ARN: string }[]
}

/** The text keeps what JSON.stringify(JSON.parse(…)) would change. */
export const eventOf = (wishes: EventWishes = {}): SealedEvent => {
  const eventId = wishes.eventId ?? randomUUID()
  const { account = ACCOUNT, region = HOME, category = 'Management' } = wishes
  const text = [
    `{"eventVersion":"1.11","eventTime":"${isoSeconds(wishes.time ?? START)}"`,
    `"eventSource":"${wishes.source ?? 'ec2.amazonaws.com'}"`,
    `"eventName":"${wishes.name ?? 'RunInstances'}","awsRegion":"${region}"`,
    `"requestParameters":{"ratio":243.0,"big":1.68E9,"pad":"${'x'.repeat(wishes.padding ?? 0)}"}`,
    `"eventID":"${eventId}","readOnly":${wishes.readOnly ?? false}`,
    `"resources":${JSON.stringify(wishes.resources ?? [])}`,
    `"recipientAccountId":"${account}","eventCategory":"${category}"}`,
  ].join(',')
  const origin = wishes.origin ?? { kind: 'capture' }
  return { text: Buffer.from(text), eventId, account, region, category, origin }
}

export interface WorldOptions extends Partial<DeliveryOptions> {
  readonly shards?: number
  /** Records of own puts go into the journal, where other trails may select them. */
  readonly loop?: boolean
  /** The runner never gets to store a cursor. */
  readonly losesCursors?: boolean
}

export class World implements Disposable {
  readonly clock = new HandClock(START)
  readonly documents = new MemoryDocuments()
  readonly bucket = new MemoryBucket()
  /** Records of own puts, in the order in which they were recorded. */
  readonly recorded: SealedEvent[] = []
  readonly #entries = new Map<number, Entry[]>()
  readonly #cursors = new Map<number, number>()
  readonly #options: Partial<DeliveryOptions>
  readonly #loop: boolean
  readonly #losesCursors: boolean
  readonly folder = mkdtempSync(join(tmpdir(), 'clew-delivery-'))
  readonly signingKeys: SigningKeys
  #consumer: DeliveryConsumer | undefined
  /** Settings of the lives that are still to come. */
  changed: Partial<DeliveryOptions> = {}
  life = new Life()

  constructor(options: WorldOptions = {}) {
    const { shards = 1, loop = false, losesCursors = false, ...rest } = options
    this.#loop = loop
    this.#losesCursors = losesCursors
    this.#options = rest
    this.signingKeys = rest.signingKeys ?? sharedKeys
    this.bucket.create(BUCKET, ACCOUNT, HOME)
    for (let shard = 0; shard < shards; shard++) {
      this.#entries.set(shard, [])
      this.#cursors.set(shard, 0)
    }
  }

  [Symbol.dispose](): void {
    this.life.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  get shards(): number[] {
    return [...this.#entries.keys()]
  }

  get consumer(): DeliveryConsumer {
    if (this.#consumer === undefined) throw new Error('The world was not started.')
    return this.#consumer
  }

  cursor(shard = 0): number {
    return this.#cursors.get(shard) ?? 0
  }

  head(shard = 0): number {
    return this.#entries.get(shard)?.length ?? 0
  }

  readonly shardOf = (account: string, region: string): number =>
    (createHash('md5').update(`${account}/${region}`).digest()[0] ?? 0) % this.#entries.size

  append(shard: number, frame: Frame): number {
    const entries = this.#entries.get(shard) ?? []
    const sequence = entries.length + 1
    entries.push({ shard, sequence, frame })
    return sequence
  }

  /** One frame per shard. */
  events(...events: SealedEvent[]): void {
    for (const shard of this.shards) {
      const mine = events.filter(({ account, region }) => this.shardOf(account, region) === shard)
      if (mine.length > 0) this.append(shard, { kind: 'events', events: mine })
    }
  }

  /** A trail change, in every shard. */
  control(trail: Trail, eventId = '', kind: 'put' | 'delete' = 'put'): void {
    const payload = JSON.stringify({ kind, trail, eventId })
    for (const shard of this.shards)
      this.append(shard, { kind: 'control', topic: 'trail', payload })
  }

  /** Creates the trail and starts its logging. */
  startTrail(trail: Trail): Trail {
    this.control(trail)
    const logging = { isLogging: true, startLoggingTime: this.clock.now() }
    const started = { ...trail, ...logging, revision: trail.revision + 1 }
    this.control(started, randomUUID())
    return started
  }

  async start(death?: Death): Promise<void> {
    this.life.kill()
    const life = new Life(death)
    this.life = life
    const consumer = createDeliveryConsumer({
      documents: life.documents(this.documents),
      bucket: life.bucket(this.bucket),
      journalRecord: (events) =>
        life.step(async () => {
          this.recorded.push(...events)
          if (this.#loop) this.events(...events)
        }),
      bucketFacts: this.bucket.facts,
      signingKeys: this.signingKeys,
      compileSelectors,
      shardOf: this.shardOf,
      clock: life.clock(this.clock),
      logger: silentLogger,
      registry: new Registry(),
      folder: this.folder,
      master,
      logFileIntervalMs: 5 * MINUTE,
      digestIntervalMs: HOUR,
      maxFileBytes: 50_000_000,
      ...this.#options,
      ...this.changed,
    })
    this.#consumer = consumer
    for (const shard of this.shards) {
      await this.#live(async () => {
        await consumer.start(shard, this.cursor(shard))
        return this.cursor(shard)
      }, shard)
    }
  }

  /** The runner's part: what the consumer has not seen, then a tick. False: it died. */
  async pump(batch = 3): Promise<boolean> {
    const signal = new AbortController().signal
    for (const shard of this.shards) {
      const entries = this.#entries.get(shard) ?? []
      for (let from = this.#fed.get(shard) ?? this.cursor(shard); from < entries.length; ) {
        const some = entries.slice(from, from + batch)
        if (!(await this.#live(() => this.consumer.consume(shard, some, signal), shard)))
          return false
        from += some.length
        this.#fed.set(shard, from)
      }
      if (!(await this.#live(() => this.consumer.tick(shard, signal), shard))) return false
    }
    return true
  }

  async flush(): Promise<boolean> {
    if (!(await this.pump())) return false
    const signal = new AbortController().signal
    for (const shard of this.shards) {
      if (!(await this.#live(() => this.consumer.flush(shard, signal), shard))) return false
    }
    return true
  }

  /** A new process from the cursors; the old one is gone. */
  async restart(death?: Death): Promise<void> {
    this.#fed.clear()
    this.life.kill()
    await this.#filesAtRest()
    await this.start(death)
  }

  /** A process that dies leaves no write under way; here it is the same one that goes on. */
  async #filesAtRest(): Promise<void> {
    const folder = join(this.folder, 'pending')
    for (let calm = 0; calm < LOOKS; ) {
      await new Promise((resolve) => setImmediate(resolve))
      const names = existsSync(folder) ? await readdir(folder) : []
      calm = names.some((name) => name.startsWith('.')) ? 0 : calm + 1
    }
  }

  /** Lets background work come to its end. */
  async rest(): Promise<void> {
    await Promise.race([this.consumer.settled(), this.life.died])
  }

  readonly #fed = new Map<number, number>()

  async #live(work: () => Promise<number>, shard: number): Promise<boolean> {
    const outcome = await Promise.race([work(), this.life.died])
    if (outcome === 'died') return false
    // The runner stores a cursor after the call, so it dies in between now and then.
    if (!this.#losesCursors) this.#cursors.set(shard, Math.max(outcome, this.cursor(shard)))
    return true
  }
}
