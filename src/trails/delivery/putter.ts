/** One put into a trail's bucket: bounded in time and number, and recorded as an event. */
import { createLimiter, type Limiter } from '../../integrity/limiter.ts'
import { ObjectStoreError } from '../../outlets/object-store.ts'
import type { Clock } from '../../platform/clock.ts'
import { accountOfTrail } from './chain-state.ts'
import { recordOfPut } from './delivery-record.ts'
import { DeliveryError, type DeliveryFailure, failureOf } from './errors.ts'
import { type DeliverySettings, PUTS_MAX } from './options.ts'
import type { DeliveryTelemetry } from './telemetry.ts'

export interface PutRequest {
  readonly trailArn: string
  readonly account: string
  readonly bucket: string
  readonly key: string
  readonly body: Uint8Array
  readonly metadata?: Readonly<Record<string, string>>
  /** eventTime of the put's record, epoch milliseconds. */
  readonly at: number
  /** It failed before: its schedule says when to try, and it finds out whether the bucket answers. */
  readonly retried?: boolean
}

/** How long a bucket that did not answer is left alone by all but retries. */
const SILENCE_MS = 60_000

/** Undefined: the object is there, durably. */
export type Putter = (request: PutRequest) => Promise<DeliveryFailure | undefined>

const within = async <Result>(clock: Clock, ms: number, work: Promise<Result>): Promise<Result> => {
  const done = new AbortController()
  const limit = clock.sleep(ms, done.signal).then(() => {
    throw new DeliveryError('timeout', `The bucket did not answer within ${ms / 1000} seconds.`)
  })
  // Ends with an abort when the work was faster.
  limit.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, limit])
  } finally {
    done.abort()
  }
}

export const createPutter = (settings: DeliverySettings, telemetry: DeliveryTelemetry): Putter => {
  const { bucket, bucketFacts, journalRecord, clock, logger, putTimeoutMs } = settings
  // By bucket, so that one that does not answer holds up only its own trails.
  const limits = new Map<string, Limiter>()
  const limitOf = (name: string): Limiter => {
    const known = limits.get(name) ?? createLimiter(PUTS_MAX)
    limits.set(name, known)
    return known
  }
  /** Buckets that did not answer, until when no other put waits for them too; monotonic. */
  const silentUntil = new Map<string, number>()

  const put = async (request: PutRequest): Promise<void> => {
    const { key, body, metadata } = request
    if (bucket === undefined) {
      throw new ObjectStoreError('no-such-bucket', 'Clew keeps no buckets: the built-in S3 is off.')
    }
    // aws:SourceAccount is the trail's, also where the file holds another account's events.
    const account = accountOfTrail(request.trailArn)
    const target = { arn: request.trailArn, account, s3BucketName: request.bucket }
    const object = { contentType: 'application/json', contentEncoding: 'gzip' }
    const facts = metadata === undefined ? object : { ...object, metadata }
    await within(clock, putTimeoutMs, bucket.put(target, key, body, facts))
  }

  /** Deliveries go on where it fails: a full journal must be able to drain. */
  const record = async (request: PutRequest): Promise<void> => {
    try {
      const facts = await bucketFacts(request.bucket)
      if (facts === undefined) return
      await journalRecord([recordOfPut({ ...request, bytes: request.body.length }, facts)])
    } catch (error) {
      telemetry.unrecorded()
      logger.warn({ error, key: request.key }, 'A delivery could not be recorded as an event.')
    }
  }

  const isSilent = (name: string): boolean => clock.monotonic() < (silentUntil.get(name) ?? 0)

  /** What waits behind a put that got no answer would get none either: it is parked at once. */
  const refuseSilent = (name: string): void => {
    if (!isSilent(name)) return
    throw new DeliveryError('timeout', `The bucket ${name} did not answer a moment ago.`)
  }

  return (request) =>
    limitOf(request.bucket)(async () => {
      try {
        if (request.retried !== true) refuseSilent(request.bucket)
        await put(request)
        silentUntil.delete(request.bucket)
      } catch (error) {
        const failure = failureOf(request, error)
        if (failure.code === 'RequestTimeout' && !isSilent(request.bucket)) {
          silentUntil.set(request.bucket, clock.monotonic() + SILENCE_MS)
        }
        telemetry.failed(failure.code)
        logger.warn({ ...failure }, 'A delivery failed.')
        return failure
      }
      await record(request)
      return undefined
    })
}
