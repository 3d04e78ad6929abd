/** What the operations on trails do besides answering: announcements, status, races. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOCUMENT_BYTES_MAX } from '../documents/sqlite-documents.ts'
import type { TrailStatus } from '../trails/trail-status.ts'
import { ACCOUNT, type ApiFixture, createApiFixture, REGION } from './testing/api-fixture.ts'

const ARN = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/main`

const withTrail = async (stack: AsyncDisposableStack, input: object = {}): Promise<ApiFixture> => {
  const api = stack.use(await createApiFixture())
  api.addBucket('logs')
  const { status } = await api.call('CreateTrail', { Name: 'main', S3BucketName: 'logs', ...input })
  assert.equal(status, 200)
  return api
}

test('every change is announced with the event of its call, revision by revision', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  await api.call('StartLogging', { Name: 'main' }, { eventId: 'start' })
  await api.call('StartLogging', { Name: 'main' }, { eventId: 'again' })
  await api.call(
    'PutEventSelectors',
    { TrailName: 'main', EventSelectors: [{}] },
    { eventId: 'put' },
  )
  await api.call('AddTags', { ResourceId: ARN, TagsList: [{ Key: 'a' }] }, { eventId: 'tag' })
  await api.call('StopLogging', { Name: ARN }, { eventId: 'stop' })
  await api.call('StartLogging', { Name: ARN }, { eventId: 'restart' })
  await api.call('DeleteTrail', { Name: 'main' }, { eventId: 'delete' })
  const changes = api.recorder.changes().slice(1)
  assert.deepEqual(
    changes.map(({ kind, eventId, trail }) => [kind, eventId, trail.revision, trail.isLogging]),
    [
      ['put', 'start', 2, true],
      ['put', 'put', 3, true],
      ['put', 'tag', 4, true],
      ['put', 'stop', 5, false],
      ['put', 'restart', 6, true],
      ['delete', 'delete', 7, false],
    ],
  )
  assert.equal(new Set(api.recorder.changes().map(({ trail }) => trail.incarnation)).size, 1)
})

test('a trail that is made again is another incarnation', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  await api.call('DeleteTrail', { Name: 'main' })
  await api.call('CreateTrail', { Name: 'main', S3BucketName: 'logs' })
  const [first, , second] = api.recorder.changes()
  assert.notEqual(first?.trail.incarnation, second?.trail.incarnation)
  assert.equal(second?.trail.revision, 1)
})

test('the status is that of the region and of this incarnation', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack, { IsMultiRegionTrail: true })
  const [trail] = await api.trails.list(ACCOUNT)
  assert.ok(trail !== undefined)
  const status: TrailStatus = {
    incarnation: trail.incarnation,
    latestDeliveryTime: 1_772_439_300_500,
    latestDeliveryAttemptTime: 1_772_439_600_000,
    latestDeliveryError: 'AccessDenied',
    latestDigestDeliveryTime: 1_772_439_400_000,
  }
  await api.documents.put(`trail-status/${REGION}/${ARN}`, status, 'absent')
  const { body } = await api.call('GetTrailStatus', { Name: 'main' })
  assert.deepEqual(body, {
    IsLogging: false,
    LatestDeliveryError: 'AccessDenied',
    LatestDeliveryTime: 1_772_439_300.5,
    LatestDigestDeliveryTime: 1_772_439_400,
    LatestDeliveryAttemptTime: '2026-03-02T08:20:00Z',
    LatestNotificationAttemptTime: '',
    LatestNotificationAttemptSucceeded: '',
    LatestDeliveryAttemptSucceeded: '2026-03-02T08:15:00Z',
    TimeLoggingStarted: '',
    TimeLoggingStopped: '',
  })
  const elsewhere = await api.call('GetTrailStatus', { Name: ARN }, { region: 'eu-west-1' })
  assert.equal(elsewhere.body.LatestDeliveryTime, undefined)
  const earlier = { ...status, incarnation: 'another' }
  await api.documents.put(`trail-status/${REGION}/${ARN}`, earlier, 'any')
  const fresh = await api.call('GetTrailStatus', { Name: 'main' })
  assert.equal(fresh.body.LatestDeliveryError, undefined)
})

test('of several creations at the same time five hold', async () => {
  await using stack = new AsyncDisposableStack()
  const api = stack.use(await createApiFixture())
  api.addBucket('logs')
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      api.call('CreateTrail', { Name: `trail${index}`, S3BucketName: 'logs' }),
    ),
  )
  const codes = answers.map(({ body }) => body.__type ?? 'ok').sort()
  assert.deepEqual(codes, [
    ...Array<string>(3).fill('MaximumNumberOfTrailsExceededException'),
    ...Array<string>(5).fill('ok'),
  ])
})

test('a refused update changes nothing', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  const before = await api.trails.list(ACCOUNT)
  const input = { Name: 'main', S3KeyPrefix: 'elsewhere', EnableLogFileValidation: true }
  const { body } = await api.call('UpdateTrail', input)
  assert.equal(body.__type, 'InsufficientS3BucketPolicyException')
  assert.deepEqual(await api.trails.list(ACCOUNT), before)
  assert.equal(api.recorder.changes().length, 1)
})

test('an update keeps what it does not name, and an empty prefix removes the prefix', async () => {
  await using stack = new AsyncDisposableStack()
  const api = stack.use(await createApiFixture())
  const Version = '2012-10-17'
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Action: 's3:*',
      Resource: '*',
    },
  ]
  api.addBucket(
    'open-bucket',
    JSON.stringify({
      Version,
      Statement: Statement.map((s) => ({
        ...s,
        Resource: ['arn:aws:s3:::open-bucket', 'arn:aws:s3:::open-bucket/*'],
      })),
    }),
  )
  await api.call('CreateTrail', { Name: 'main', S3BucketName: 'open-bucket', S3KeyPrefix: 'pre/' })
  await api.call('StartLogging', { Name: 'main' })
  const first = await api.call('UpdateTrail', { Name: 'main', IncludeGlobalServiceEvents: false })
  assert.equal(first.body.S3KeyPrefix, 'pre')
  assert.equal(first.body.IncludeGlobalServiceEvents, false)
  const second = await api.call('UpdateTrail', { Name: 'main', S3KeyPrefix: '' })
  assert.equal('S3KeyPrefix' in second.body, false)
  const [trail] = await api.trails.list(ACCOUNT)
  assert.deepEqual([trail?.isLogging, trail?.revision], [true, 4])
})

test('a journal that is full is ServiceUnavailable, and the repeat finds the change', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  api.recorder.refuse(1)
  const { status, body } = await api.call('StartLogging', { Name: 'main' })
  assert.deepEqual([status, body.__type], [503, 'ServiceUnavailable'])
  const repeat = await api.call('StartLogging', { Name: 'main' })
  assert.equal(repeat.status, 200)
  assert.equal(api.recorder.changes().at(-1)?.trail.isLogging, true)
})

test('a shadow that would meet a trail of its name or a full region is refused', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  await api.call('CreateTrail', { Name: 'main', S3BucketName: 'logs' }, { region: 'eu-west-1' })
  const { body } = await api.call('UpdateTrail', { Name: 'main', IsMultiRegionTrail: true })
  assert.deepEqual(body, {
    __type: 'OperationNotPermittedException',
    Message: `Trail main already exists for customer: ${ACCOUNT}`,
  })
})

test('an identifier is an ARN of a trail or a name', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  const cases: [string, string][] = [
    ['arn:aws:s3:::bucket', 'CloudTrailARNInvalidException'],
    [`arn:aws:cloudtrail:${REGION}:${ACCOUNT}:channel/x`, 'CloudTrailARNInvalidException'],
    [ARN.replace('arn:aws:', 'arn:aws-cn:'), 'CloudTrailARNInvalidException'],
    [`${ARN}/x`, 'InvalidTrailNameException'],
    [ARN.replace(ACCOUNT, '210987654321'), 'TrailNotFoundException'],
    [ARN.replace(REGION, 'eu-west-1'), 'TrailNotFoundException'],
    ['', 'InvalidTrailNameException'],
  ]
  for (const [Name, code] of cases) {
    for (const operation of ['GetTrail', 'StopLogging']) {
      assert.equal((await api.call(operation, { Name })).body.__type, code, `${operation} ${Name}`)
    }
  }
  const described = await api.call('DescribeTrails', {
    trailNameList: [ARN, 'main', 'nosuch', ARN.replace(ACCOUNT, '210987654321')],
  })
  assert.equal((described.body.trailList as unknown[]).length, 1)
})

test('another region’s trail is described by its ARN, and not to be read otherwise', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  const region = 'eu-west-1'
  const described = await api.call('DescribeTrails', { trailNameList: [ARN] }, { region })
  assert.equal((described.body.trailList as unknown[]).length, 1)
  const got = await api.call('GetTrail', { Name: ARN }, { region })
  assert.equal(got.body.__type, 'TrailNotFoundException')
})

test('tags have their limits', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  const many = Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}` }))
  const cases: [object[], string][] = [
    [many, 'TagsLimitExceededException'],
    [[{ Key: 'a' }, { Key: 'a' }], 'InvalidTagParameterException'],
    [[{ Key: 'aws:x' }], 'InvalidTagParameterException'],
    [[{ Key: '' }], 'InvalidTagParameterException'],
    [[{ Key: 'k'.repeat(129) }], 'InvalidTagParameterException'],
    [[{ Key: 'k', Value: 'v'.repeat(257) }], 'InvalidTagParameterException'],
    [[{ Key: 'a\u0000' }], 'InvalidTagParameterException'],
  ]
  for (const [TagsList, code] of cases) {
    const added = await api.call('AddTags', { ResourceId: ARN, TagsList })
    assert.equal(added.body.__type, code)
    const created = await api.call('CreateTrail', {
      Name: 'tagged',
      S3BucketName: 'logs',
      TagsList,
    })
    assert.equal(created.body.__type, code)
  }
  assert.equal(
    (await api.call('AddTags', { ResourceId: ARN, TagsList: many.slice(1) })).status,
    200,
  )
  const list = async (ids: readonly string[]) =>
    (await api.call('ListTags', { ResourceIdList: ids })).body.__type
  assert.equal(await list(Array<string>(21).fill(ARN)), 'ValidationException')
  assert.equal(await list([ARN, `${ARN}2`]), 'ResourceNotFoundException')
  const store = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:eventdatastore/x`
  assert.equal(await list([store]), 'EventDataStoreNotFoundException')
})

test('selectors that Clew can not store are refused, not cut', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  const arns = (letter: string) =>
    Array.from({ length: 240 }, (_, i) => `arn:aws:s3:::bucket/${letter.repeat(1_900)}${i}`)
  const { status, body } = await api.call('PutEventSelectors', {
    TrailName: 'main',
    AdvancedEventSelectors: [
      {
        FieldSelectors: [
          { Field: 'eventCategory', Equals: ['Data'] },
          { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
          { Field: 'resources.ARN', StartsWith: arns('a'), NotEquals: arns('\u00e9') },
        ],
      },
    ],
  })
  assert.deepEqual([status, body.__type], [400, 'ValidationException'])
  assert.equal((await api.call('GetTrail', { Name: 'main' })).status, 200)
})

test('selectors of the largest size that AWS takes are kept, and fit all that holds them', async () => {
  await using stack = new AsyncDisposableStack()
  const api = await withTrail(stack)
  // 500 values over all selectors, 2,048 characters each (API_AdvancedFieldSelector.html).
  const values = Array.from({ length: 499 }, (_, index) =>
    `arn:aws:s3:::bucket/${index}/`.padEnd(2_048, 'x'),
  )
  const FieldSelectors = [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
    { Field: 'resources.ARN', StartsWith: values.slice(2) },
  ]
  const input = { TrailName: 'main', AdvancedEventSelectors: [{ Name: 'all', FieldSelectors }] }
  const { status } = await api.call('PutEventSelectors', input)
  assert.equal(status, 200)
  const { body } = await api.call('GetEventSelectors', { TrailName: 'main' })
  assert.deepEqual(body.AdvancedEventSelectors, input.AdvancedEventSelectors)
  // Delivery keeps the change itself as a document.
  const text = JSON.stringify({ ...api.recorder.changes().at(-1), version: 1, sequence: 1 })
  assert.ok(text.length > 1_000_000 && text.length < DOCUMENT_BYTES_MAX - 1_024)
})
