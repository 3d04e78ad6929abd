import { ObjectStoreError } from '../../outlets/object-store.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'

/**
 * - `delivery-failed`: `flush` could not bring everything into the buckets; it is kept and retried.
 * - `bad-pending-file`: a file of the pending folder cannot be read.
 * - `timeout`: a bucket did not answer a put.
 */
export class DeliveryError extends CodedError<'delivery-failed' | 'bad-pending-file' | 'timeout'> {}

/** One put that failed. */
export interface DeliveryFailure {
  readonly trailArn: string
  readonly bucket: string
  readonly key: string
  /** S3's code. */
  readonly code: string
  readonly message: string
}

const S3_CODES = {
  'no-such-bucket': 'NoSuchBucket',
  'access-denied': 'AccessDenied',
  'precondition-failed': 'PreconditionFailed',
  'no-such-key': 'NoSuchKey',
  'bad-digest': 'BadDigest',
  failed: 'InternalError',
} as const satisfies Record<ObjectStoreError['code'], string>

/** All that `s3CodeOf` answers. */
export const DELIVERY_ERROR_CODES: readonly string[] = [
  ...Object.values(S3_CODES),
  'RequestTimeout',
]

/** S3's code for what a put threw: what GetTrailStatus shows as LatestDeliveryError. */
export const s3CodeOf = (error: unknown): string => {
  if (error instanceof ObjectStoreError) return S3_CODES[error.code]
  if (error instanceof DeliveryError && error.code === 'timeout') return 'RequestTimeout'
  return 'InternalError'
}

export const failureOf = (
  place: Pick<DeliveryFailure, 'trailArn' | 'bucket' | 'key'>,
  error: unknown,
): DeliveryFailure => ({
  trailArn: place.trailArn,
  bucket: place.bucket,
  key: place.key,
  code: s3CodeOf(error),
  message: messageOf(error),
})

/** The error of a flush; undefined where nothing failed. */
export const flushError = (failures: readonly DeliveryFailure[]): DeliveryError | undefined => {
  const [first] = failures
  if (first === undefined) return undefined
  const more = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`
  return new DeliveryError(
    'delivery-failed',
    `${first.trailArn} could not deliver to s3://${first.bucket}/${first.key}: ${first.code}: ${first.message}${more}`,
    { hint: 'The files are kept and retried for 30 days; repair the bucket, then flush again.' },
  )
}
