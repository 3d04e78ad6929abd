/** What every story starts with: a bucket that CloudTrail may write to. */
export { trailBucketPolicy as bucketPolicy } from '../../src/trails/testing/bucket-policy.ts'

export const ACCOUNT = '123456789012'
