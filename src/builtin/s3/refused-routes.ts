/** Operations that answer NotImplemented with their name. docs/builtin-s3.md lists them too. */
import { refused } from './buckets/defaults.ts'
import type { Route, Scope } from './route.ts'

/** Operation, method, scope, query. `POST` without a query is the upload form of browsers. */
const OPERATIONS: readonly (readonly [string, string, Scope, string])[] = [
  ['PutBucketVersioning', 'PUT', 'bucket', 'versioning'],
  ['PutBucketEncryption', 'PUT', 'bucket', 'encryption'],
  ['PutBucketLifecycleConfiguration', 'PUT', 'bucket', 'lifecycle'],
  ['PutBucketCors', 'PUT', 'bucket', 'cors'],
  ['PutBucketWebsite', 'PUT', 'bucket', 'website'],
  ['PutBucketReplication', 'PUT', 'bucket', 'replication'],
  ['PutObjectLockConfiguration', 'PUT', 'bucket', 'object-lock'],
  ['PutBucketLogging', 'PUT', 'bucket', 'logging'],
  ['PutBucketAccelerateConfiguration', 'PUT', 'bucket', 'accelerate'],
  ['PutBucketRequestPayment', 'PUT', 'bucket', 'requestPayment'],
  ['PutBucketNotificationConfiguration', 'PUT', 'bucket', 'notification'],
  ['PutBucketAbac', 'PUT', 'bucket', 'abac'],
  ['PutBucketAnalyticsConfiguration', 'PUT', 'bucket', 'analytics'],
  ['DeleteBucketAnalyticsConfiguration', 'DELETE', 'bucket', 'analytics'],
  ['PutBucketInventoryConfiguration', 'PUT', 'bucket', 'inventory'],
  ['DeleteBucketInventoryConfiguration', 'DELETE', 'bucket', 'inventory'],
  ['PutBucketMetricsConfiguration', 'PUT', 'bucket', 'metrics'],
  ['DeleteBucketMetricsConfiguration', 'DELETE', 'bucket', 'metrics'],
  ['PutBucketIntelligentTieringConfiguration', 'PUT', 'bucket', 'intelligent-tiering'],
  ['DeleteBucketIntelligentTieringConfiguration', 'DELETE', 'bucket', 'intelligent-tiering'],
  ['CreateBucketMetadataConfiguration', 'POST', 'bucket', 'metadataConfiguration'],
  ['DeleteBucketMetadataConfiguration', 'DELETE', 'bucket', 'metadataConfiguration'],
  ['CreateBucketMetadataTableConfiguration', 'POST', 'bucket', 'metadataTable'],
  ['DeleteBucketMetadataTableConfiguration', 'DELETE', 'bucket', 'metadataTable'],
  ['UpdateBucketMetadataInventoryTableConfiguration', 'PUT', 'bucket', 'metadataInventoryTable'],
  ['UpdateBucketMetadataJournalTableConfiguration', 'PUT', 'bucket', 'metadataJournalTable'],
  ['CreateSession', 'GET', 'bucket', 'session'],
  ['PutObjectRetention', 'PUT', 'object', 'retention'],
  ['PutObjectLegalHold', 'PUT', 'object', 'legal-hold'],
  ['GetObjectTorrent', 'GET', 'object', 'torrent'],
  ['RestoreObject', 'POST', 'object', 'restore'],
  ['SelectObjectContent', 'POST', 'object', 'select'],
  ['RenameObject', 'PUT', 'object', 'renameObject'],
  ['UpdateObjectEncryption', 'PUT', 'object', 'encryption'],
]

export const REFUSED_ROUTES: readonly Route[] = OPERATIONS.map(
  ([operation, method, scope, query]) => ({
    ...{ operation, method, scope, query: [query] },
    action: `s3:${operation}`,
    needsBucket: true,
    handle: refused,
  }),
)
