/**
 * Which calls are data events; everything else is Management (reference/capture.md §6.3, read from
 * awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html).
 */

const S3_OBJECT = [
  ...['AbortMultipartUpload', 'CompleteMultipartUpload', 'CreateMultipartUpload', 'CopyObject'],
  ...['DeleteObject', 'DeleteObjects', 'DeleteObjectTagging', 'GetObject', 'GetObjectAcl'],
  ...['GetObjectAttributes', 'GetObjectLegalHold', 'GetObjectRetention', 'GetObjectTagging'],
  ...['GetObjectTorrent', 'HeadBucket', 'HeadObject', 'ListObjects', 'ListObjectsV2'],
  ...['ListObjectVersions', 'ListParts', 'PostObject', 'PutObject', 'PutObjectAcl'],
  ...['PutObjectLegalHold', 'PutObjectRetention', 'PutObjectTagging', 'RenameObject'],
  ...['RestoreObject', 'SelectObjectContent', 'UpdateObjectEncryption', 'UploadPart'],
  ...['UploadPartCopy', 'WriteGetObjectResponse'],
]

const DATA_OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  s3: S3_OBJECT,
  dynamodb: [
    ...['BatchExecuteStatement', 'BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem'],
    ...['ExecuteStatement', 'ExecuteTransaction', 'PutItem', 'Query', 'Scan', 'UpdateItem'],
    ...['TransactGetItems', 'TransactWriteItems'],
  ],
  dynamodbstreams: ['GetRecords', 'GetShardIterator'],
  lambda: ['Invoke', 'InvokeAsync', 'InvokeWithResponseStream'],
  sns: ['Publish', 'PublishBatch'],
  sqs: [
    ...['ChangeMessageVisibility', 'ChangeMessageVisibilityBatch', 'DeleteMessage'],
    ...['DeleteMessageBatch', 'GetQueueAttributes', 'GetQueueUrl', 'ListDeadLetterSourceQueues'],
    ...['ListQueues', 'ListQueueTags', 'ReceiveMessage', 'SendMessage', 'SendMessageBatch'],
  ],
  kinesis: ['GetRecords', 'GetShardIterator', 'PutRecord', 'PutRecords', 'SubscribeToShard'],
  stepfunctions: ['GetActivityTask', 'InvokeHTTPEndpoint', 'StartSyncExecution'],
  'cloudtrail-data': ['PutAuditEvents'],
  'cognito-identity': [
    ...['GetCredentialsForIdentity', 'GetId', 'GetOpenIdToken'],
    ...['GetOpenIdTokenForDeveloperIdentity', 'UnlinkIdentity'],
  ],
  'sagemaker-runtime': ['InvokeEndpointWithResponseStream'],
  events: ['PutEvents'],
}

const SETS = new Map(
  Object.entries(DATA_OPERATIONS).map(([service, names]) => [service, new Set(names)]),
)

/** `operation`: the model's name. S3 Express's session and list are data events of their own type. */
export const isDataEvent = (
  serviceId: string,
  operation: string,
  signingName = serviceId,
): boolean => {
  if (signingName === 's3express' && operation === 'CreateSession') return true
  return SETS.get(serviceId)?.has(operation) === true
}
