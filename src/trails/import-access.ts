/**
 * What an import asks about its trail: which events it takes, and whether it may write. May a trail write below the prefixes of accounts that an import brings? Asked before the first event,
 * without writing anything (DESIGN.md §4, "Log files"; reference/formats.md §3.3).
 */

import type { EventCategory } from '../event/sealed-event.ts'
import type { EventPredicate } from '../event/selectors/compile.ts'
import { ObjectStoreError } from '../outlets/object-store.ts'
import { type BucketCheck, TRAIL_OBJECT_ACL, TRAIL_SERVICE } from './bucket-access.ts'
import { coversRegion, excludesGlobal, mayExcludeGlobal } from './delivery/timeline/coverage.ts'
import type { Trail } from './trail.ts'

/**
 * Does the trail deliver an event that is imported through it? As delivery decides it
 * (delivery/timeline/shard-trails.ts), so that an import can say how many were left out.
 */
export const createTakesImported =
  (
    trail: Pick<Trail, 'homeRegion' | 'isMultiRegionTrail' | 'includeGlobalServiceEvents'>,
    selects: EventPredicate,
  ) =>
  (event: {
    readonly region: string
    readonly category: EventCategory
    /** JSON. */
    readonly text: Buffer
  }): boolean => {
    const { region, category, text } = event
    const always = selects.always(category)
    if (always === false || !coversRegion(trail, region)) return false
    if (always === true && !mayExcludeGlobal(trail, region)) return true
    const record = JSON.parse(text.toString()) as Readonly<Record<string, unknown>>
    return !excludesGlobal(trail, region, record.eventSource) && selects(record, { category })
  }

const baseOf = ({ s3KeyPrefix }: Trail, account: string): string =>
  `${s3KeyPrefix === undefined || s3KeyPrefix === '' ? '' : `${s3KeyPrefix}/`}AWSLogs/${account}`

/** Keys of the form that log files and digests have. */
const keysOf = (trail: Trail, account: string): string[] => {
  const folders = ['CloudTrail', ...(trail.logFileValidationEnabled ? ['CloudTrail-Digest'] : [])]
  return folders.map((folder) => `${baseOf(trail, account)}/${folder}/${trail.homeRegion}/check`)
}

const mayPut = async (
  bucket: Pick<BucketCheck, 'checkPut'>,
  trail: Trail,
  key: string,
): Promise<boolean> => {
  try {
    await bucket.checkPut(trail, key)
    return true
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'access-denied') return false
    throw error
  }
}

/** Has `accountsWithoutAccess` nothing to name, whatever the accounts are? Then nobody need know them. */
export const writesForEveryAccount = (
  bucket: Pick<BucketCheck, 'mayPutForEvery'>,
  trail: Trail,
): Promise<boolean> => bucket.mayPutForEvery(trail, (account) => keysOf(trail, account))

/** In the order given. Rejects with ObjectStoreError where there is no bucket. */
export const accountsWithoutAccess = async (
  bucket: Pick<BucketCheck, 'checkPut'>,
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
