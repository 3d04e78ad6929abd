/** The calls of the soak: reads, management writes, data events, trail changes, look-ups. */
import { createHash, randomBytes } from 'node:crypto'
import { ACCOUNT, bucketPolicy } from '../conformance/trail-setup.ts'
import type { Call } from './signed-call.ts'

/** Who must deliver the event of a call. */
export type Category = 'management' | 'data'

export interface MixedCall extends Call {
  readonly category: Category
}

const json = (target: string, body: object): MixedCall => ({
  category: 'management',
  service: 'cloudtrail',
  method: 'POST',
  path: '/',
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `CloudTrail_20131101.${target}`,
  },
  body: JSON.stringify(body),
})

const s3 = (method: string, path: string, query?: string, body = ''): MixedCall => ({
  category: path.split('/').length > 2 ? 'data' : 'management',
  service: 's3',
  method,
  path,
  ...(query === undefined ? {} : { query }),
  ...(body === ''
    ? {}
    : { headers: { 'content-md5': createHash('md5').update(body).digest('base64') } }),
  body,
})

/** A read. */
export const identity: MixedCall = {
  category: 'management',
  service: 'sts',
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
}

const DATA_SELECTORS = [
  {
    Name: 'objects',
    FieldSelectors: [
      { Field: 'eventCategory', Equals: ['Data'] },
      { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
      { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::load/'] },
    ],
  },
]

/** Bucket and trail of management events (with validation), of data events, and of a changing one. */
export const TRAILS = {
  management: { Name: 'main', S3BucketName: 'audit', EnableLogFileValidation: true },
  data: { Name: 'objects', S3BucketName: 'audit-data' },
  changing: { Name: 'changing', S3BucketName: 'audit-changing' },
} as const

const MAIN_ARN = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`

/** What the soak needs before it begins, in order; each must succeed. */
export const setupCalls = (): MixedCall[] => [
  s3('PUT', '/load'),
  ...Object.values(TRAILS).flatMap(({ S3BucketName }) => [
    s3('PUT', `/${S3BucketName}`),
    s3('PUT', `/${S3BucketName}`, 'policy=', bucketPolicy(S3BucketName)),
  ]),
  json('CreateTrail', TRAILS.management),
  json('CreateTrail', TRAILS.data),
  json('PutEventSelectors', { TrailName: 'objects', AdvancedEventSelectors: DATA_SELECTORS }),
  json('StartLogging', { Name: 'main' }),
  json('StartLogging', { Name: 'objects' }),
]

const tagging = (turn: number): string =>
  `<Tagging><TagSet><Tag><Key>turn</Key><Value>${turn}</Value></Tag></TagSet></Tagging>`

/** Changes of trails, in an order that makes most of them succeed. */
const TRAIL_CHANGES: readonly ((turn: number) => MixedCall)[] = [
  () => json('CreateTrail', TRAILS.changing),
  () => json('StartLogging', { Name: 'changing' }),
  (turn) =>
    json('AddTags', { ResourceId: MAIN_ARN, TagsList: [{ Key: 'turn', Value: `${turn}` }] }),
  () => json('PutEventSelectors', { TrailName: 'objects', AdvancedEventSelectors: DATA_SELECTORS }),
  () => json('StopLogging', { Name: 'changing' }),
  () => json('UpdateTrail', { Name: 'main', S3BucketName: 'audit' }),
  () => json('DeleteTrail', { Name: 'changing' }),
]

const TRAIL_CHANGE_EVERY = 25

/** A management write. */
export const tagBucket = (turn: number): MixedCall => s3('PUT', '/load', 'tagging=', tagging(turn))

/** A management write with some 8 KB in its event. */
export const longWrite = (turn: number): MixedCall => {
  const statement = {
    Sid: `turn${turn}${randomBytes(4_000).toString('hex')}`, // does not compress away
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::load/*',
  }
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  return s3('PUT', '/load', 'policy=', policy)
}

/** A look-up; `body`: of LookupEvents. */
export const lookUp = (body: object): MixedCall => json('LookupEvents', body)

/** The call of a turn: the same for the same number. */
export const mixedCall = (turn: number): MixedCall => {
  if (turn % TRAIL_CHANGE_EVERY === 0) {
    const change = TRAIL_CHANGES[(turn / TRAIL_CHANGE_EVERY) % TRAIL_CHANGES.length]
    return change?.(turn) ?? identity
  }
  const object = `/load/object-${turn % 40}`
  const kinds = [
    identity,
    tagBucket(turn),
    s3('PUT', object, undefined, `content ${turn}`),
    s3('GET', object),
    json('DescribeTrails', {}),
    lookUp({ MaxResults: 1 }),
    s3('GET', '/load', 'tagging='),
  ]
  return kinds[turn % kinds.length] ?? identity
}
