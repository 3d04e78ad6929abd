/** Trails as tests need them. */
import { DEFAULT_SELECTORS } from '../../event/selectors/selectors.ts'
import type { Trail } from '../trail.ts'

/** A trail of us-east-1 with the defaults of the API. */
export const sampleTrail = (changes: Partial<Trail> = {}): Trail => {
  const name = changes.name ?? 'main'
  const homeRegion = changes.homeRegion ?? 'us-east-1'
  return {
    name,
    arn: `arn:aws:cloudtrail:${homeRegion}:123456789012:trail/${name}`,
    account: '123456789012',
    homeRegion,
    s3BucketName: 'logs',
    includeGlobalServiceEvents: true,
    isMultiRegionTrail: false,
    logFileValidationEnabled: false,
    selectors: DEFAULT_SELECTORS,
    hasCustomEventSelectors: false,
    isLogging: false,
    createdAt: 0,
    incarnation: `incarnation-of-${name}`,
    revision: 1,
    tags: [],
    ...changes,
  }
}
