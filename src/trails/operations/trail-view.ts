/** A trail as the API shows it. */
import type {
  CreateTrailResponse,
  Trail as TrailOutput,
} from '../../contract/cloudtrail.generated.ts'
import type { Trail } from '../trail.ts'

/** CreateTrail and UpdateTrail: no home region, no tags (reference/control-plane.md §A.1). */
export const settingsOf = (trail: Trail): CreateTrailResponse => ({
  Name: trail.name,
  S3BucketName: trail.s3BucketName,
  S3KeyPrefix: trail.s3KeyPrefix,
  IncludeGlobalServiceEvents: trail.includeGlobalServiceEvents,
  IsMultiRegionTrail: trail.isMultiRegionTrail,
  TrailARN: trail.arn,
  LogFileValidationEnabled: trail.logFileValidationEnabled,
  IsOrganizationTrail: false,
})

/** GetTrail and DescribeTrails. */
export const descriptionOf = (trail: Trail): TrailOutput => ({
  ...settingsOf(trail),
  HomeRegion: trail.homeRegion,
  HasCustomEventSelectors: trail.hasCustomEventSelectors,
  HasInsightSelectors: false,
})
