/**
 * May a trail write below the prefixes of accounts that an import brings? Asked before the first event,
 * without writing anything (DESIGN.md §4, "Log files"; reference/formats.md §3.3).
 */
import { ObjectStoreError } from '../outlets/object-store.ts'
import { type BucketCheck, TRAIL_OBJECT_ACL, TRAIL_SERVICE } from './bucket-access.ts'
import type { Trail } from './trail.ts'

const baseOf = ({ s3KeyPrefix }: Trail, account: string): string =>
  `${s3KeyPrefix === undefined || s3KeyPrefix === '' ? '' : `${s3KeyPrefix}/`}AWSLogs/${account}`

/** Keys of the form that log files and digests have. */
const keysOf = (trail: Trail, account: string): string[] => {
  const folders = ['CloudTrail', ...(trail.logFileValidationEnabled ? ['CloudTrail-Digest'] : [])]
  return folders.map((folder) => `${baseOf(trail, account)}/${folder}/${trail.homeRegion}/check`)
}

const mayPut = async (bucket: BucketCheck, trail: Trail, key: string): Promise<boolean> => {
  try {
    await bucket.checkPut(trail, key)
    return true
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'access-denied') return false
    throw error
  }
}

/** In the order given. Rejects with ObjectStoreError where there is no bucket. */
export const accountsWithoutAccess = async (
  bucket: BucketCheck,
  trail: Trail,
  accounts: readonly string[],
): Promise<string[]> => {
  const missing: string[] = []
  for (const account of accounts) {
    for (const key of keysOf(trail, account)) {
      if (await mayPut(bucket, trail, key)) continue
      missing.push(account)
      break
    }
  }
  return missing
}

/** A statement of a bucket policy that lets the trail write for these accounts too, as JSON text. */
export const statementFor = (trail: Trail, accounts: readonly string[]): string => {
  const partition = trail.arn.split(':')[1] ?? 'aws'
  const arn = `arn:${partition}:s3:::${trail.s3BucketName}`
  const statement = {
    Sid: 'AWSCloudTrailWriteOfImports',
    Effect: 'Allow',
    Principal: { Service: TRAIL_SERVICE },
    Action: 's3:PutObject',
    Resource: accounts.map((account) => `${arn}/${baseOf(trail, account)}/*`),
    Condition: { StringEquals: { 's3:x-amz-acl': TRAIL_OBJECT_ACL, 'aws:SourceArn': trail.arn } },
  }
  return JSON.stringify(statement, undefined, 2)
}
