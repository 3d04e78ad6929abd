/**
 * How CloudTrail spells services and operations where it is not the plain rule: eventSource =
 * signing name + `.amazonaws.com`, eventName = the model's name (reference/capture.md §1.3, §1.4).
 */

/** Signing name → first label of eventSource. */
const SOURCES: Readonly<Record<string, string>> = {
  mq: 'amazonmq',
  awsssoportal: 'sso',
  'sso-oauth': 'sso',
  'ds-data': 'ds',
}

/** `serviceId` decides where one signing name belongs to two sources (old IoT SDKs). */
export const eventSourceOf = (signingName: string, serviceId: string | undefined): string => {
  if (signingName === 'execute-api' && serviceId?.startsWith('iot') === true) {
    return 'iot.amazonaws.com'
  }
  return `${SOURCES[signingName] ?? signingName}.amazonaws.com`
}

const LAMBDA_2015 = [
  ...['CreateFunction', 'DeleteFunction', 'ListFunctions', 'ListVersionsByFunction'],
  ...['CreateEventSourceMapping', 'UpdateEventSourceMapping', 'DeleteEventSourceMapping'],
  'PublishVersion',
]

const LAMBDA_2015_V2 = [
  ...['GetFunction', 'GetFunctionConfiguration', 'UpdateFunctionCode'],
  ...['UpdateFunctionConfiguration', 'AddPermission', 'RemovePermission'],
]

const S3_NAMES: Readonly<Record<string, string>> = {
  PutBucketLifecycleConfiguration: 'PutBucketLifecycle',
  GetBucketLifecycleConfiguration: 'GetBucketLifecycle',
  GetBucketNotificationConfiguration: 'GetBucketNotification',
  PutBucketNotificationConfiguration: 'PutBucketNotification',
  GetBucketAccelerateConfiguration: 'GetAccelerateConfiguration',
  PutBucketAccelerateConfiguration: 'PutAccelerateConfiguration',
  GetObjectLockConfiguration: 'GetBucketObjectLockConfiguration',
  PutObjectLockConfiguration: 'PutBucketObjectLockConfiguration',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  DeletePublicAccessBlock: 'DeleteBucketPublicAccessBlock',
  ListObjectsV2: 'ListObjects',
}

const EVENT_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  s3: S3_NAMES,
  s3control: {
    GetPublicAccessBlock: 'GetAccountPublicAccessBlock',
    PutPublicAccessBlock: 'PutAccountPublicAccessBlock',
    DeletePublicAccessBlock: 'DeleteAccountPublicAccessBlock',
  },
  lambda: Object.fromEntries([
    ...LAMBDA_2015.map((name) => [name, `${name}20150331`]),
    ...LAMBDA_2015_V2.map((name) => [name, `${name}20150331v2`]),
    ['PublishLayerVersion', 'PublishLayerVersion20181031'],
  ]) as Record<string, string>,
}

/** The operations of CloudFront's API before functions, policies and tenants came. */
const CLOUDFRONT_ORIGINAL =
  /^(Create|Delete|Get|List|Update)(CloudFrontOriginAccessIdentit(y|ies)|Distributions?|StreamingDistributions?|Invalidations?)(Config|WithTags)?$/

export interface NameOptions {
  /**
   * What stands behind the names of CloudFront's original operations: `2020_05_31` as AWS's own
   * samples have it, or '' as many third-party logs do (reference/capture.md §1.4).
   */
  readonly cloudFrontSuffix?: string
  /** S3 Express keeps ListObjectsV2. */
  readonly signingName?: string
}

export const CLOUDFRONT_SUFFIX = '2020_05_31'

/** The eventName of an operation of the catalogue. */
export const eventNameOf = (
  serviceId: string,
  operation: string,
  { cloudFrontSuffix = CLOUDFRONT_SUFFIX, signingName = '' }: NameOptions = {},
): string => {
  if (serviceId === 'cloudfront' && CLOUDFRONT_ORIGINAL.test(operation)) {
    return `${operation}${cloudFrontSuffix}`
  }
  if (signingName === 's3express' && operation === 'ListObjectsV2') return operation
  return EVENT_NAMES[serviceId]?.[operation] ?? operation
}

/** The record's apiVersion exists for these alone, and logs spell it without hyphens. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  route53: '2013-04-01',
  logs: '20140328',
  elb: '2012-06-01',
  elbv2: '2015-12-01',
  dynamodb: '2012-08-10',
  codecommit: '2015-04-13',
  waf: '2015-08-24',
  wafv2: '2019-07-29',
  shield: '2016-06-02',
}

export const apiVersionOf = (serviceId: string): string | undefined => API_VERSIONS[serviceId]

/** The verbs of reads, for operations that no catalogue knows (reference/capture.md §6.2). */
const READING_VERB =
  /^(Get|List|Describe|Head|Search|Lookup|BatchGet|BatchDescribe|Query|Scan|Select|GET |HEAD |OPTIONS )/

export const looksReadOnly = (eventName: string): boolean => READING_VERB.test(eventName)
