/**
 * What CreateTrail and UpdateTrail prove about their bucket before they change anything, in AWS's
 * order and with its effects (reference/formats.md §3.3): the ACL is read and empty marker objects
 * are put, all attempted even when one is refused; the markers stay when the call fails.
 */
import type { Fault } from '../contract/fault.ts'
import { ObjectStoreError } from '../outlets/object-store.ts'
import type { TrailBucket } from './bucket-access.ts'
import type { Trail } from './trail.ts'

export type PreflightFault = (
  code: 'S3BucketDoesNotExistException' | 'InsufficientS3BucketPolicyException',
  message: string,
) => Fault

/** The keys that prove a delivery: of the trail's own account, or of one that was imported. */
export const markersOf = (trail: Trail, account = trail.account): string[] => {
  const base = `${trail.s3KeyPrefix === undefined ? '' : `${trail.s3KeyPrefix}/`}AWSLogs/${account}`
  return [
    `${base}/CloudTrail/`,
    ...(trail.logFileValidationEnabled ? [`${base}/CloudTrail-Digest/`] : []),
  ]
}

/** Throws the fault; ObjectStoreError of another kind (a broken disk) passes through. */
export const preflightBucket = async (
  bucket: TrailBucket,
  trail: Trail,
  fault: PreflightFault,
): Promise<void> => {
  let denied = false
  const attempt = async (access: () => Promise<void>): Promise<void> => {
    try {
      await access()
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error
      if (error.code === 'no-such-bucket') {
        throw fault(
          'S3BucketDoesNotExistException',
          `S3 bucket ${trail.s3BucketName} does not exist!`,
        )
      }
      if (error.code !== 'access-denied') throw error
      denied = true
    }
  }
  await attempt(() => bucket.checkAcl(trail))
  for (const key of markersOf(trail)) {
    await attempt(() =>
      // Marked as gzip though it is empty and therefore none: as AWS writes it.
      bucket.put(trail, key, new Uint8Array(), {
        contentType: 'application/json',
        contentEncoding: 'gzip',
      }),
    )
  }
  if (denied) {
    throw fault(
      'InsufficientS3BucketPolicyException',
      `Incorrect S3 bucket policy is detected for bucket: ${trail.s3BucketName}`,
    )
  }
}
