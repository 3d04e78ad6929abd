/** The CloudTrail API over a real document store, with time, regions and buckets that tests own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Registry } from 'prom-client'
import type { Operation } from '../../contract/operation.ts'
import type { Documents } from '../../documents/documents.ts'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import type { Caller } from '../../event/principal.ts'
import { evaluateResourcePolicy } from '../../identity/policy/evaluate.ts'
import { parsePolicy } from '../../identity/policy/parse.ts'
import type { BuiltinService, ServiceAnswer, VerifiedCall } from '../../identity/verified-call.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { uuid } from '../../platform/ids.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createTrailBucket } from '../../trails/bucket-access.ts'
import { trailBucketPolicy } from '../../trails/testing/bucket-policy.ts'
import { createMemoryObjects, type MemoryObjects } from '../../trails/testing/memory-objects.ts'
import { createMemoryRecorder, type MemoryRecorder } from '../../trails/testing/memory-recorder.ts'
import { openTrailStore, type TrailStore } from '../../trails/trail-store.ts'
import { authorizeRootOnly } from '../authorize.ts'
import { API_BODY_BYTES_MAX, type ApiLimits, createCloudTrailApi } from '../cloudtrail-api.ts'
import { createOperations } from '../operations.ts'

export const ACCOUNT = '123456789012'
export const REGION = 'us-east-1'
export const TARGET = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.'

export const ROOT: Caller = {
  principal: { kind: 'root', account: ACCOUNT },
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
}

export const USER: Caller = {
  principal: {
    kind: 'user',
    account: ACCOUNT,
    userId: 'AIDACKCEVSQ6C2EXAMPLE',
    userName: 'alice',
    path: '/',
  },
  accessKeyId: 'AKIAI44QH8DHBEXAMPLE',
}

/** What the tests of other parts' operations need: they answer what they were asked. */
const lookupEvents: Operation<'LookupEvents'> = async () => ({ Events: [] })
const listPublicKeys: Operation<'ListPublicKeys'> = async () => ({ PublicKeyList: [] })

export interface CallOptions {
  readonly region?: string
  readonly account?: string
  readonly caller?: Caller
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly rawPath?: string
  readonly eventId?: string
}

export interface ApiFixture extends AsyncDisposable {
  readonly service: BuiltinService
  readonly documents: Documents
  readonly trails: TrailStore
  readonly objects: MemoryObjects
  readonly recorder: MemoryRecorder
  readonly registry: Registry
  /** Epoch milliseconds of the next call; tests move it. */
  now: number
  addBucket(name: string, policy?: string): void
  /** Answers status and parsed JSON. */
  call(
    operation: string,
    input: unknown,
    options?: CallOptions,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  raw(body: Buffer | Readable, options: CallOptions): Promise<ServiceAnswer>
}

export interface FixtureOptions {
  readonly regions?: readonly string[]
  readonly limits?: Partial<ApiLimits>
  /** False: buckets live on an upstream. */
  readonly objects?: boolean
  readonly lookupEvents?: Operation<'LookupEvents'>
}

const START = Date.parse('2026-03-02T08:14:07Z')

export const bodyOf = async (answer: ServiceAnswer): Promise<Buffer> =>
  Buffer.isBuffer(answer.body)
    ? answer.body
    : Buffer.concat((await answer.body.toArray()) as Buffer[])

export const verifiedCall = (body: Readable, options: CallOptions): VerifiedCall => ({
  caller: options.caller ?? ROOT,
  account: options.account ?? ACCOUNT,
  region: options.region ?? REGION,
  method: options.method ?? 'POST',
  rawPath: options.rawPath ?? '/',
  rawQuery: '',
  headers: { 'content-type': 'application/x-amz-json-1.1', ...options.headers },
  body,
  trailers: () => ({}),
  requestId: uuid(),
  eventId: options.eventId ?? uuid(),
  sourceIp: '127.0.0.1',
  secureTransport: false,
  signal: new AbortController().signal,
})

export const createApiFixture = async (options: FixtureOptions = {}): Promise<ApiFixture> => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-api-'))
  const documents = await openSqliteDocuments(join(folder, 'documents.db'), {
    clock: systemClock,
    logger: silentLogger,
  })
  const recorder = createMemoryRecorder()
  const objects = createMemoryObjects()
  const registry = new Registry()
  const trails = openTrailStore({ documents, recorder, logger: silentLogger })
  const bucket = createTrailBucket({
    objects,
    parsePolicy: (text) => parsePolicy(text, 'bucket'),
    evaluate: evaluateResourcePolicy,
    policyMode: 'strict',
  })
  const clock: Clock = { ...systemClock, now: () => fixture.now }
  const service = createCloudTrailApi({
    operations: createOperations({
      trails,
      documents,
      bucket: options.objects === false ? undefined : bucket,
      regions: () => options.regions ?? [REGION, 'eu-west-1', 'ap-southeast-2'],
      newId: uuid,
      lookupEvents: options.lookupEvents ?? lookupEvents,
      listPublicKeys,
    }),
    authorize: authorizeRootOnly,
    clock,
    logger: silentLogger,
    registry,
    limits: { bodyBytesMax: API_BODY_BYTES_MAX, requestsPerSecond: {}, ...options.limits },
  })
  const raw = async (body: Buffer | Readable, more: CallOptions): Promise<ServiceAnswer> =>
    await service(verifiedCall(Buffer.isBuffer(body) ? Readable.from([body]) : body, more))

  const fixture: ApiFixture = {
    service,
    documents,
    trails,
    objects,
    recorder,
    registry,
    now: START,
    addBucket: (name, policy = trailBucketPolicy(name)) => {
      objects.addBucket({ name, account: ACCOUNT, region: REGION, policy })
    },
    raw,
    call: async (operation, input, more = {}) => {
      const headers = { 'x-amz-target': `${TARGET}${operation}`, ...more.headers }
      const answer = await raw(Buffer.from(JSON.stringify(input)), { ...more, headers })
      return { status: answer.status, body: JSON.parse((await bodyOf(answer)).toString()) }
    },
    [Symbol.asyncDispose]: async () => {
      trails.close()
      await documents.close()
      await rm(folder, { recursive: true })
    },
  }
  return fixture
}
