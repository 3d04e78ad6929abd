import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../contract/fault.ts'
import { evaluateResourcePolicy } from '../identity/policy/evaluate.ts'
import { parsePolicy } from '../identity/policy/parse.ts'
import { ObjectStoreError } from '../outlets/object-store.ts'
import {
  type BucketCheck,
  createBucketCheck,
  createTrailBucket,
  type TrailBucket,
} from './bucket-access.ts'
import { preflightBucket } from './bucket-preflight.ts'
import { createMemoryObjects, type MemoryObjects } from './testing/memory-objects.ts'
import { sampleTrail } from './testing/trail-samples.ts'

const ACCOUNT = '123456789012'
const TRAIL = sampleTrail({ s3KeyPrefix: 'pre', logFileValidationEnabled: true })
const ACL = 'bucket-owner-full-control'

const statement = (Action: string, Resource: string, Condition: object = {}): object => ({
  Effect: 'Allow',
  Principal: { Service: 'cloudtrail.amazonaws.com' },
  Action,
  Resource,
  Condition,
})
const READ_ACL = statement('s3:GetBucketAcl', 'arn:aws:s3:::logs')

const setUp = (
  statements: readonly object[] | undefined,
  policyMode: 'strict' | 'off' = 'strict',
): { bucket: TrailBucket; check: BucketCheck; objects: MemoryObjects; keys: () => string[] } => {
  const objects = createMemoryObjects()
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  objects.addBucket({
    name: 'logs',
    account: ACCOUNT,
    region: 'us-east-1',
    ...(statements === undefined ? {} : { policy }),
  })
  const policies = {
    parsePolicy: (text: string) => parsePolicy(text, 'bucket'),
    evaluate: evaluateResourcePolicy,
    policyMode,
  }
  const bucket = createTrailBucket({ objects, ...policies })
  const check = createBucketCheck({ bucket: (name) => objects.bucket(name), ...policies })
  return {
    bucket,
    check,
    objects,
    keys: () => objects.contents('logs').map(({ facts }) => facts.key),
  }
}

const isDenied = (error: unknown): boolean =>
  error instanceof ObjectStoreError && error.code === 'access-denied' && error.hint !== undefined

const preflight = async (bucket: TrailBucket, trail = TRAIL): Promise<void> =>
  await preflightBucket(bucket, trail, (code, message) => new Fault(code, message))

test('writes as the service, for the trail, with the ACL', async () => {
  const { bucket, objects } = setUp([
    statement('s3:PutObject', 'arn:aws:s3:::logs/pre/*', {
      StringEquals: {
        's3:x-amz-acl': ACL,
        'aws:SourceArn': TRAIL.arn,
        'aws:SourceAccount': ACCOUNT,
      },
    }),
  ])
  const metadata = { signature: 'ab' }
  await bucket.put(TRAIL, 'pre/key', Buffer.from('body'), {
    contentType: 'application/json',
    contentEncoding: 'gzip',
    metadata,
  })
  const [object] = objects.contents('logs')
  assert.equal(object?.acl, ACL)
  assert.deepEqual(
    [object?.facts.key, object?.facts.contentType, object?.facts.contentEncoding],
    ['pre/key', 'application/json', 'gzip'],
  )
  assert.deepEqual(object?.facts.metadata, metadata)
  await assert.rejects(bucket.checkAcl(TRAIL), isDenied)
})

test('denies what no statement allows, and writes nothing', async () => {
  const condition = (name: string, value: string) => ({ StringEquals: { [name]: value } })
  const put = (more: object) => statement('s3:PutObject', 'arn:aws:s3:::logs/*', more)
  const policies = [
    undefined,
    [],
    [put(condition('aws:SourceArn', `${TRAIL.arn}2`))],
    [put(condition('aws:SourceAccount', '210987654321'))],
    [put(condition('s3:x-amz-acl', 'private'))],
    [statement('s3:PutObject', 'arn:aws:s3:::logs/elsewhere/*')],
    [
      {
        ...statement('s3:PutObject', 'arn:aws:s3:::logs/*'),
        Principal: { Service: 'config.amazonaws.com' },
      },
    ],
    [put({}), { ...put({}), Effect: 'Deny' }],
  ]
  for (const statements of policies) {
    const { bucket, keys } = setUp(statements)
    await assert.rejects(bucket.put(TRAIL, 'pre/key', Buffer.from(''), {}), isDenied)
    assert.deepEqual(keys(), [])
  }
})

test('tells that every account may be written for only where no account can differ', async () => {
  const put = (resource: string): object =>
    statement('s3:PutObject', `arn:aws:s3:::logs/pre/AWSLogs/${resource}`)
  const deny = { ...put('123456789012/*'), Effect: 'Deny' }
  const rest = {
    ...{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject' },
    NotResource: 'arn:aws:s3:::logs/pre/AWSLogs/123456789012/*',
  }
  const cases: [readonly object[] | undefined, boolean][] = [
    [[put('*')], true],
    [[READ_ACL, put('*/CloudTrail/*')], true],
    [[put('????????????/CloudTrail/*')], true],
    [[put('12*')], false],
    [[put('???????????/*')], false],
    [[put('123456789012/*'), put('210987654321/*')], false],
    [[put(`${'\u{f8f7}'.repeat(12)}/*`)], false],
    [[put('*'), deny], false],
    [[rest], false],
    [[put('*'), rest], false],
    [[], false],
    [undefined, false],
  ]
  const keysOf = (account: string) => [`pre/AWSLogs/${account}/CloudTrail/us-east-1/check`]
  for (const [statements, expected] of cases) {
    const { check } = setUp(statements)
    assert.equal(await check.mayPutForEvery(TRAIL, keysOf), expected, JSON.stringify(statements))
  }
  assert.equal(await setUp(undefined, 'off').check.mayPutForEvery(TRAIL, keysOf), true)
  const elsewhere = { ...TRAIL, s3BucketName: 'missing' }
  assert.equal(await setUp([put('*')]).check.mayPutForEvery(elsewhere, keysOf), false)
})

test('a policy that can not be read allows nothing', async () => {
  const { bucket, objects } = setUp([])
  objects.addBucket({ name: 'logs', account: ACCOUNT, region: 'us-east-1', policy: '{' })
  await assert.rejects(bucket.checkAcl(TRAIL), isDenied)
})

test('without policies everything but a missing bucket passes', async () => {
  const { bucket, keys } = setUp(undefined, 'off')
  await bucket.checkAcl(TRAIL)
  await bucket.put(TRAIL, 'key', Buffer.from(''), {})
  assert.deepEqual(keys(), ['key'])
  await assert.rejects(
    bucket.checkAcl({ ...TRAIL, s3BucketName: 'missing' }),
    (error) => error instanceof ObjectStoreError && error.code === 'no-such-bucket',
  )
})

test('preflight leaves empty markers, the second one with validation', async () => {
  const all = [READ_ACL, statement('s3:PutObject', 'arn:aws:s3:::logs/*')]
  const { bucket, objects, keys } = setUp(all)
  await preflight(bucket, sampleTrail())
  assert.deepEqual(keys(), [`AWSLogs/${ACCOUNT}/CloudTrail/`])
  await preflight(bucket)
  assert.deepEqual(keys(), [
    `AWSLogs/${ACCOUNT}/CloudTrail/`,
    `pre/AWSLogs/${ACCOUNT}/CloudTrail-Digest/`,
    `pre/AWSLogs/${ACCOUNT}/CloudTrail/`,
  ])
  for (const { facts, acl } of objects.contents('logs')) {
    assert.deepEqual(
      [facts.size, facts.contentType, facts.contentEncoding, acl],
      [0, 'application/json', 'gzip', ACL],
    )
  }
})

test('preflight tries everything and keeps the markers when something is denied', async () => {
  const incorrect = (error: unknown): boolean =>
    error instanceof Fault &&
    error.code === 'InsufficientS3BucketPolicyException' &&
    error.message === 'Incorrect S3 bucket policy is detected for bucket: logs'
  const logsOnly = statement('s3:PutObject', 'arn:aws:s3:::logs/*/CloudTrail/*')

  const noAcl = setUp([statement('s3:PutObject', 'arn:aws:s3:::logs/*')])
  await assert.rejects(preflight(noAcl.bucket), incorrect)
  assert.equal(noAcl.keys().length, 2)

  const noDigests = setUp([READ_ACL, logsOnly])
  await preflight(noDigests.bucket, sampleTrail({ s3KeyPrefix: 'pre' }))
  await assert.rejects(preflight(noDigests.bucket), incorrect)
  assert.deepEqual(noDigests.keys(), [`pre/AWSLogs/${ACCOUNT}/CloudTrail/`])
})

test('preflight names a bucket that is missing, and passes on what else breaks', async () => {
  const { bucket } = setUp([])
  await assert.rejects(
    preflight(bucket, sampleTrail({ s3BucketName: 'missing' })),
    (error) => error instanceof Fault && error.message === 'S3 bucket missing does not exist!',
  )
  const broken = new ObjectStoreError('failed', 'the disk is full')
  const failing: TrailBucket = { checkAcl: async () => {}, put: async () => Promise.reject(broken) }
  await assert.rejects(preflight(failing), broken)
})
