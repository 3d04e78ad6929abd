/** The checks that CreateTrail and UpdateTrail share, in AWS's order (§A.1, formats.md §3.3). */
import type { Fault } from '../../contract/fault.ts'
import type { TrailBucket } from '../bucket-access.ts'
import { type PreflightFault, preflightBucket } from '../bucket-preflight.ts'
import type { Trail } from '../trail.ts'
import { bucketNameProblem, keyPrefixProblem } from '../trail-name.ts'

type SettingsFault = (
  code:
    | Parameters<PreflightFault>[0]
    | 'InvalidParameterCombinationException'
    | 'InvalidS3BucketNameException'
    | 'InvalidS3PrefixException'
    | 'UnsupportedOperationException',
  message: string,
) => Fault

/** Syntax first, without effects; then the bucket itself. */
export const checkSettings = async (
  trail: Trail,
  bucket: TrailBucket | undefined,
  fault: SettingsFault,
): Promise<void> => {
  if (trail.isMultiRegionTrail && !trail.includeGlobalServiceEvents) {
    throw fault(
      'InvalidParameterCombinationException',
      'Multi-Region trail must include global service events.',
    )
  }
  const name = bucketNameProblem(trail.s3BucketName)
  if (name !== undefined) throw fault('InvalidS3BucketNameException', name)
  const prefix = trail.s3KeyPrefix === undefined ? undefined : keyPrefixProblem(trail.s3KeyPrefix)
  if (prefix !== undefined) throw fault('InvalidS3PrefixException', prefix)
  if (bucket === undefined) {
    throw fault(
      'UnsupportedOperationException',
      'S3BucketName: this release delivers into the built-in S3 only, and S3 is forwarded to an upstream. Start with --upstream s3=builtin.',
    )
  }
  await preflightBucket(bucket, trail, fault)
}
