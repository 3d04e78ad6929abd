/**
 * Every operation of the S3 model (and what is refused), as data. Order matters: rows with more
 * conditions stand before those with fewer. Actions:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
import * as acl from './buckets/acl.ts'
import * as bucket from './buckets/bucket.ts'
import * as policy from './buckets/bucket-policy.ts'
import * as settings from './buckets/bucket-settings.ts'
import { createBucket } from './buckets/create-bucket.ts'
import { BUCKET_DEFAULT_ROUTES } from './buckets/default-routes.ts'
import { answersFault } from './buckets/defaults.ts'
import { listObjects, listObjectsV2, listObjectVersions } from './listing/list-objects.ts'
import { completeMultipartUpload } from './multipart/complete-upload.ts'
import { abortMultipartUpload, createMultipartUpload } from './multipart/create-upload.ts'
import { listMultipartUploads, listParts } from './multipart/list-uploads.ts'
import { uploadPart, uploadPartCopy } from './multipart/upload-part.ts'
import { copyObject } from './objects/copy-object.ts'
import { deleteObject, deleteObjects } from './objects/delete-objects.ts'
import { getObject, headObject } from './objects/get-object.ts'
import { getObjectAttributes } from './objects/object-attributes.ts'
import * as tagging from './objects/object-tagging.ts'
import { putObject } from './objects/put-object.ts'
import { REFUSED_ROUTES } from './refused-routes.ts'
import { type Extra, type Route, row, sub } from './route.ts'

const onBucket = row('bucket')
const onObject = row('object')
const streams: Extra = { readsBody: true }

const SERVICE: readonly Route[] = [
  {
    ...{ scope: 'service', method: 'GET', operation: 'ListBuckets', needsBucket: false },
    action: 's3:ListAllMyBuckets',
    handle: bucket.listBuckets,
  },
]

const BUCKET_SETTINGS: readonly Route[] = [
  onBucket(
    'GET',
    'GetBucketLocation',
    'GetBucketLocation',
    bucket.getBucketLocation,
    sub('location'),
  ),
  onBucket('GET', 'GetBucketPolicy', 'GetBucketPolicy', policy.getBucketPolicy, sub('policy')),
  onBucket(
    'PUT',
    'PutBucketPolicy',
    'PutBucketPolicy',
    policy.putBucketPolicy,
    sub('policy', true),
  ),
  onBucket(
    'DELETE',
    'DeleteBucketPolicy',
    'DeleteBucketPolicy',
    policy.deleteBucketPolicy,
    sub('policy'),
  ),
  onBucket(
    'GET',
    'GetBucketPolicyStatus',
    'GetBucketPolicyStatus',
    policy.getBucketPolicyStatus,
    sub('policyStatus'),
  ),
  onBucket(
    'GET',
    'GetBucketTagging',
    'GetBucketTagging',
    settings.getBucketTagging,
    sub('tagging'),
  ),
  onBucket(
    'PUT',
    'PutBucketTagging',
    'PutBucketTagging',
    settings.putBucketTagging,
    sub('tagging', true),
  ),
  onBucket(
    'DELETE',
    'DeleteBucketTagging',
    'PutBucketTagging',
    settings.deleteBucketTagging,
    sub('tagging'),
  ),
  onBucket(
    'GET',
    'GetBucketOwnershipControls',
    'GetBucketOwnershipControls',
    settings.getOwnershipControls,
    sub('ownershipControls'),
  ),
  onBucket(
    'PUT',
    'PutBucketOwnershipControls',
    'PutBucketOwnershipControls',
    settings.putOwnershipControls,
    sub('ownershipControls', true),
  ),
  onBucket(
    'DELETE',
    'DeleteBucketOwnershipControls',
    'PutBucketOwnershipControls',
    settings.deleteOwnershipControls,
    sub('ownershipControls'),
  ),
  onBucket(
    'GET',
    'GetPublicAccessBlock',
    'GetBucketPublicAccessBlock',
    settings.getPublicAccessBlock,
    sub('publicAccessBlock'),
  ),
  onBucket(
    'PUT',
    'PutPublicAccessBlock',
    'PutBucketPublicAccessBlock',
    settings.putPublicAccessBlock,
    sub('publicAccessBlock', true),
  ),
  onBucket(
    'DELETE',
    'DeletePublicAccessBlock',
    'PutBucketPublicAccessBlock',
    settings.deletePublicAccessBlock,
    sub('publicAccessBlock'),
  ),
  onBucket('GET', 'GetBucketAcl', 'GetBucketAcl', acl.getBucketAcl, sub('acl')),
  onBucket('PUT', 'PutBucketAcl', 'PutBucketAcl', acl.putBucketAcl, sub('acl', true)),
]

const BUCKETS: readonly Route[] = [
  onBucket('GET', 'ListObjectVersions', 'ListBucketVersions', listObjectVersions, sub('versions')),
  onBucket(
    'GET',
    'ListMultipartUploads',
    'ListBucketMultipartUploads',
    listMultipartUploads,
    sub('uploads'),
  ),
  onBucket('GET', 'ListObjectsV2', 'ListBucket', listObjectsV2, sub('list-type=2')),
  onBucket('POST', 'DeleteObjects', undefined, deleteObjects, sub('delete', true)),
  onBucket('GET', 'ListObjects', 'ListBucket', listObjects),
  onBucket('HEAD', 'HeadBucket', 'ListBucket', bucket.headBucket),
  onBucket('DELETE', 'DeleteBucket', 'DeleteBucket', bucket.deleteBucket),
  {
    ...{ scope: 'bucket', method: 'PUT', operation: 'CreateBucket', needsBucket: false },
    ...{ action: 's3:CreateBucket', handle: createBucket, readsBody: true },
  },
]

const noLock = answersFault('InvalidRequest', 'Bucket is missing Object Lock Configuration')

const OBJECTS: readonly Route[] = [
  onObject('GET', 'GetObjectTagging', 'GetObjectTagging', tagging.getObjectTagging, sub('tagging')),
  onObject(
    'PUT',
    'PutObjectTagging',
    'PutObjectTagging',
    tagging.putObjectTagging,
    sub('tagging', true),
  ),
  onObject(
    'DELETE',
    'DeleteObjectTagging',
    'DeleteObjectTagging',
    tagging.deleteObjectTagging,
    sub('tagging'),
  ),
  onObject('GET', 'GetObjectAcl', 'GetObjectAcl', acl.getObjectAcl, sub('acl')),
  onObject('PUT', 'PutObjectAcl', 'PutObjectAcl', acl.putObjectAcl, sub('acl', true)),
  onObject(
    'GET',
    'GetObjectAttributes',
    'GetObjectAttributes',
    getObjectAttributes,
    sub('attributes'),
  ),
  onObject('GET', 'GetObjectRetention', 'GetObjectRetention', noLock, sub('retention')),
  onObject('GET', 'GetObjectLegalHold', 'GetObjectLegalHold', noLock, sub('legal-hold')),
  onObject('POST', 'CreateMultipartUpload', 'PutObject', createMultipartUpload, sub('uploads')),
  onObject('PUT', 'UploadPartCopy', 'PutObject', uploadPartCopy, {
    query: 'partNumber&uploadId',
    header: 'x-amz-copy-source',
  }),
  onObject('PUT', 'UploadPart', 'PutObject', uploadPart, sub('partNumber', true)),
  onObject('PUT', 'UploadPart', 'PutObject', uploadPart, sub('uploadId', true)),
  onObject(
    'POST',
    'CompleteMultipartUpload',
    'PutObject',
    completeMultipartUpload,
    sub('uploadId', true),
  ),
  onObject(
    'DELETE',
    'AbortMultipartUpload',
    'AbortMultipartUpload',
    abortMultipartUpload,
    sub('uploadId'),
  ),
  onObject('GET', 'ListParts', 'ListMultipartUploadParts', listParts, sub('uploadId')),
  onObject('PUT', 'CopyObject', 'PutObject', copyObject, { header: 'x-amz-copy-source' }),
  onObject('GET', 'GetObject', 'GetObject', getObject),
  onObject('HEAD', 'HeadObject', 'GetObject', headObject),
  onObject('PUT', 'PutObject', 'PutObject', putObject, streams),
  onObject('DELETE', 'DeleteObject', 'DeleteObject', deleteObject),
]

export const ROUTES: readonly Route[] = [
  ...REFUSED_ROUTES,
  ...SERVICE,
  ...BUCKET_SETTINGS,
  ...BUCKET_DEFAULT_ROUTES,
  ...BUCKETS,
  ...OBJECTS,
]
