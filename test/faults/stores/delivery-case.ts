import assert from 'node:assert/strict'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Registry } from 'prom-client'
import type { Documents } from '../../../src/documents/documents.ts'
import { openSqliteDocuments } from '../../../src/documents/sqlite-documents.ts'
import type { SealedEvent } from '../../../src/event/sealed-event.ts'
import { compileSelectors } from '../../../src/event/selectors/compile.ts'
import { openSigningKeys } from '../../../src/integrity/signing-keys.ts'
import { verifyChain } from '../../../src/integrity/verify-chain.ts'
import type { Entry } from '../../../src/journal/consumer.ts'
import {
  type FileObjectStore,
  openFileObjectStore,
} from '../../../src/outlets/file-system/file-object-store.ts'
import { isoSeconds } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { createTrailBucket } from '../../../src/trails/bucket-access.ts'
import { createDeliveryConsumer } from '../../../src/trails/delivery/consumer.ts'
import { HandClock } from '../../../src/trails/delivery/testing/hand-clock.ts'
import { accessOf } from '../../../src/trails/delivery/testing/inspect.ts'
import { MemoryBucket } from '../../../src/trails/delivery/testing/memory-bucket.ts'
import {
  eventOf,
  HOUR,
  MINUTE,
  START,
  trailOf,
} from '../../../src/trails/delivery/testing/world.ts'
import { type StoreCase, TEST_MASTER } from './store-case.ts'

const TRAIL = trailOf({ isLogging: true, startLoggingTime: START, revision: 2 })
const BATCHES = 6
/** The steps after which five minutes pass: windows close and files are put. */
const PAUSES = new Set([3, 5])
const KEPT_AT = START + HOUR

/** The journal in front of the delivery: the same at every reading, in every process. */
const entryOf = (sequence: number): Entry => {
  if (sequence === 1) {
    const payload = JSON.stringify({ kind: 'put', trail: TRAIL, eventId: '' })
    return { shard: 0, sequence, frame: { kind: 'control', topic: 'trail', payload } }
  }
  const events = Array.from({ length: 4 }, (_, index): SealedEvent => {
    return eventOf({ eventId: `event-${sequence}-${index}`, padding: sequence * 40 })
  })
  return { shard: 0, sequence, frame: { kind: 'events', events } }
}

const LAST = BATCHES + 1
const allIds = (): string[] =>
  Array.from({ length: BATCHES }, (_, batch) =>
    [0, 1, 2, 3].map((n) => `event-${batch + 2}-${n}`),
  ).flat()

interface Site {
  readonly documents: Documents
  readonly objects: FileObjectStore
  readonly consumer: ReturnType<typeof createDeliveryConsumer>
  close(): Promise<void>
}

/** Documents, object store and delivery on real files, as the writer has them. */
const open = async (folder: string, clock: HandClock): Promise<Site> => {
  const common = { clock, logger: silentLogger, master: TEST_MASTER }
  const documents = await openSqliteDocuments(join(folder, 'documents.sqlite'), common)
  const objects = await openFileObjectStore(join(folder, 'objects'), common)
  const consumer = createDeliveryConsumer({
    ...common,
    documents,
    journalRecord: async () => {},
    bucket: createTrailBucket({
      objects,
      parsePolicy: (text) => text,
      evaluate: () => 'allow',
      policyMode: 'off',
    }),
    bucketFacts: (name) => objects.bucket(name),
    signingKeys: openSigningKeys({ documents, master: TEST_MASTER, clock }),
    compileSelectors,
    shardOf: () => 0,
    registry: new Registry(),
    folder: join(folder, 'delivery'),
    logFileIntervalMs: 5 * MINUTE,
    digestIntervalMs: HOUR,
    maxFileBytes: 1_500,
  })
  return {
    ...{ documents, objects, consumer },
    close: async () => {
      await consumer.close()
      await objects.close()
      await documents.close()
    },
  }
}

const prepare = async (folder: string): Promise<void> => {
  const site = await open(folder, new HandClock(START))
  const { account, homeRegion: region, s3BucketName: name } = TRAIL
  await site.objects.buckets.create({ name, account, region, settings: {} })
  // The key is made here: making one takes a second.
  const keys = openSigningKeys({
    documents: site.documents,
    master: TEST_MASTER,
    clock: new HandClock(START),
  })
  await keys.signer(region, START)
  await site.close()
}

const signal = new AbortController().signal

/** The runner's part: batches, ticks, and a flush; tells each cursor that was returned. */
const work = async (folder: string, tell: (fact: string) => void): Promise<void> => {
  const clock = new HandClock(START)
  const { consumer, close } = await open(folder, clock)
  await consumer.start(0, 0)
  for (let sequence = 1; sequence <= LAST; sequence++) {
    tell(String(await consumer.consume(0, [entryOf(sequence)], signal)))
    if (PAUSES.has(sequence)) clock.advance(5 * MINUTE)
    tell(String(await consumer.tick(0, signal)))
    await consumer.settled()
  }
  tell(String(await consumer.flush(0, signal)))
  await close()
}

const idsIn = async (objects: FileObjectStore): Promise<{ ids: string[]; files: string[] }> => {
  const ids: string[] = []
  const files: string[] = []
  for (const { key } of await objects.list(TRAIL.s3BucketName, { limit: 10_000 })) {
    if (!key.includes('/CloudTrail/')) continue
    const { body } = await objects.get(TRAIL.s3BucketName, key)
    const text = gunzipSync(Buffer.concat(await body.toArray())).toString()
    files.push(key)
    ids.push(...JSON.parse(text).Records.map((record: { eventID: string }) => record.eventID))
  }
  return { ids, files }
}

/** What an auditor finds, over a copy of the bucket in memory. */
const verify = async ({ documents, objects }: Site, clock: HandClock) => {
  const keys = openSigningKeys({ documents, master: TEST_MASTER, clock })
  const { homeRegion, account, s3BucketName: bucket, name } = TRAIL
  const { regions } = await keys.exportPublicKeys()
  const copy = new MemoryBucket()
  for (const { key } of await objects.list(bucket, { limit: 10_000 })) {
    const { facts, body } = await objects.get(bucket, key)
    const object = { body: Buffer.concat(await body.toArray()), metadata: facts.metadata, puts: 1 }
    copy.objects.set(`${bucket}/${key}`, object)
  }
  const access = accessOf(copy, async (fingerprint) => {
    const key = regions[homeRegion]?.find((each) => each.fingerprint === fingerprint)
    return key && Buffer.from(key.publicKey, 'base64')
  })
  const problems: string[] = []
  const target = { trailName: name, homeRegion, account, region: homeRegion, bucket }
  const range = { start: 0, end: Date.UTC(2100, 0, 1) }
  const summary = await verifyChain({ ...target, ...range }, access, {
    concurrency: 2,
    report: ({ verdict, text }) => {
      if (verdict !== 'valid') problems.push(text)
    },
  })
  return { summary, problems }
}

const check = async (folder: string, told: readonly string[]): Promise<void> => {
  const clock = new HandClock(KEPT_AT)
  const site = await open(folder, clock)
  const cursor = Math.max(0, ...told.map(Number))
  await site.consumer.start(0, cursor)
  for (let sequence = cursor + 1; sequence <= LAST; sequence++) {
    await site.consumer.consume(0, [entryOf(sequence)], signal)
  }
  // Files that were parked after a fault are due again by now.
  clock.advance(2 * HOUR)
  await site.consumer.tick(0, signal)
  await site.consumer.settled()
  assert.equal(await site.consumer.flush(0, signal), LAST, `at ${isoSeconds(clock.now())}`)
  const { ids, files } = await idsIn(site.objects)
  const { summary, problems } = await verify(site, clock)
  await site.close()
  const there = new Set(ids)
  const lost = allIds().filter((id) => !there.has(id))
  assert.equal(lost.length, 0, `cursor ${cursor}, lost ${lost.slice(0, 5).join(' ')}`)
  assert.equal(there.size, ids.length, 'each event is in one file')
  assert.deepEqual(problems.slice(0, 3), [])
  assert.equal(summary.logs.valid, files.length, 'each file is in a digest')
}

export const deliveryCase: StoreCase = { name: 'delivery', prepare, work, check }
