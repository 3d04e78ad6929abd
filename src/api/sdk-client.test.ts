/** Every built operation through the SDK's own client: its serialiser, parser and error classes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AddTagsCommand,
  CloudTrailClient,
  CreateTrailCommand,
  DeleteTrailCommand,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  InsufficientS3BucketPolicyException,
  InvalidHomeRegionException,
  ListPublicKeysCommand,
  ListTagsCommand,
  ListTrailsCommand,
  LookupEventsCommand,
  PutEventSelectorsCommand,
  RemoveTagsCommand,
  StartLoggingCommand,
  StopLoggingCommand,
  TrailNotFoundException,
  UnsupportedOperationException,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail'
import type { Operation } from '../contract/operation.ts'
import {
  ACCOUNT,
  type ApiFixture,
  createApiFixture,
  type FixtureOptions,
} from './testing/api-fixture.ts'
import { serveOverHttp } from './testing/http-adapter.ts'

const ARN = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`

/** A client of each region asked for, over one API; everything ends with the stack. */
const start = async (
  stack: AsyncDisposableStack,
  options: FixtureOptions = {},
): Promise<{ api: ApiFixture; clientIn: (region: string) => CloudTrailClient }> => {
  const api = stack.use(await createApiFixture(options))
  const adapter = stack.use(await serveOverHttp(api.service))
  const clientIn = (region: string): CloudTrailClient =>
    stack.adopt(
      new CloudTrailClient({
        endpoint: adapter.url,
        region,
        maxAttempts: 1,
        credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
      }),
      (client) => client.destroy(),
    )
  return { api, clientIn }
}

test('a trail from creation to deletion', async () => {
  await using stack = new AsyncDisposableStack()
  const { api, clientIn } = await start(stack)
  const client = clientIn('us-east-1')
  api.addBucket('logs')

  const created = await client.send(
    new CreateTrailCommand({
      Name: 'main',
      S3BucketName: 'logs',
      IsMultiRegionTrail: true,
      EnableLogFileValidation: true,
      TagsList: [{ Key: 'team', Value: 'security' }],
    }),
  )
  assert.equal(created.TrailARN, ARN)
  assert.equal(created.LogFileValidationEnabled, true)

  const { Trail } = await client.send(new GetTrailCommand({ Name: 'main' }))
  assert.equal(Trail?.HomeRegion, 'us-east-1')
  const described = await client.send(new DescribeTrailsCommand({ trailNameList: [ARN] }))
  assert.deepEqual(described.trailList, [Trail])
  const listed = await clientIn('eu-west-1').send(new ListTrailsCommand({}))
  assert.deepEqual(listed.Trails, [{ TrailARN: ARN, Name: 'main', HomeRegion: 'us-east-1' }])

  await client.send(new StartLoggingCommand({ Name: ARN }))
  const status = await client.send(new GetTrailStatusCommand({ Name: ARN }))
  assert.equal(status.IsLogging, true)
  assert.deepEqual(status.StartLoggingTime, new Date(api.now))
  assert.equal(status.LatestDeliveryTime, undefined)

  const updated = await client.send(
    new UpdateTrailCommand({ Name: 'main', EnableLogFileValidation: false }),
  )
  assert.equal(updated.LogFileValidationEnabled, false)
  assert.equal(updated.IsMultiRegionTrail, true)

  await client.send(new StopLoggingCommand({ Name: 'main' }))
  const stopped = await client.send(new GetTrailStatusCommand({ Name: 'main' }))
  assert.equal(stopped.IsLogging, false)
  assert.deepEqual(stopped.StopLoggingTime, new Date(api.now))

  await client.send(new DeleteTrailCommand({ Name: 'main' }))
  await assert.rejects(client.send(new GetTrailCommand({ Name: 'main' })), (error) => {
    assert.ok(error instanceof TrailNotFoundException)
    assert.equal(error.message, `Unknown trail: main for the user: ${ACCOUNT}`)
    return true
  })
})

test('selectors and tags', async () => {
  await using stack = new AsyncDisposableStack()
  const { api, clientIn } = await start(stack)
  const client = clientIn('us-east-1')
  api.addBucket('logs')
  await client.send(new CreateTrailCommand({ Name: 'main', S3BucketName: 'logs' }))

  const AdvancedEventSelectors = [
    {
      Name: 'objects',
      FieldSelectors: [
        { Field: 'eventCategory', Equals: ['Data'] },
        { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
        { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::bucket/'] },
      ],
    },
  ]
  const put = await client.send(
    new PutEventSelectorsCommand({ TrailName: 'main', AdvancedEventSelectors }),
  )
  assert.deepEqual(put.AdvancedEventSelectors, AdvancedEventSelectors)
  const got = await client.send(new GetEventSelectorsCommand({ TrailName: 'main' }))
  assert.deepEqual(got.AdvancedEventSelectors, AdvancedEventSelectors)
  assert.equal(got.EventSelectors, undefined)
  const { Trail } = await client.send(new GetTrailCommand({ Name: 'main' }))
  assert.equal(Trail?.HasCustomEventSelectors, true)

  const TagsList = [
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '' },
  ]
  await client.send(new AddTagsCommand({ ResourceId: ARN, TagsList }))
  const tags = await client.send(new ListTagsCommand({ ResourceIdList: [ARN] }))
  assert.deepEqual(tags.ResourceTagList, [{ ResourceId: ARN, TagsList }])
  await client.send(new RemoveTagsCommand({ ResourceId: ARN, TagsList: [{ Key: 'a' }] }))
  const left = await client.send(new ListTagsCommand({ ResourceIdList: [ARN] }))
  assert.deepEqual(left.ResourceTagList?.[0]?.TagsList, [{ Key: 'b', Value: '' }])
})

test('faults arrive as the classes of the SDK', async () => {
  await using stack = new AsyncDisposableStack()
  const { api, clientIn } = await start(stack)
  const client = clientIn('us-east-1')
  api.addBucket('logs')
  api.addBucket('closed', '{"Version":"2012-10-17","Statement":[]}')
  await client.send(
    new CreateTrailCommand({ Name: 'main', S3BucketName: 'logs', IsMultiRegionTrail: true }),
  )

  await assert.rejects(
    client.send(new UpdateTrailCommand({ Name: 'main', S3BucketName: 'closed' })),
    InsufficientS3BucketPolicyException,
  )
  await assert.rejects(
    clientIn('eu-west-1').send(new StopLoggingCommand({ Name: ARN })),
    InvalidHomeRegionException,
  )
  await assert.rejects(
    client.send(new CreateTrailCommand({ Name: 'other', S3BucketName: 'logs', KmsKeyId: 'k' })),
    (error) => {
      assert.ok(error instanceof UnsupportedOperationException)
      assert.match(error.message, /^KmsKeyId /)
      assert.equal(error.$metadata.httpStatusCode, 400)
      assert.match(error.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/)
      return true
    },
  )
})

test('a bucket on an upstream is refused by name', async () => {
  await using stack = new AsyncDisposableStack()
  const { clientIn } = await start(stack, { objects: false })
  await assert.rejects(
    clientIn('us-east-1').send(new CreateTrailCommand({ Name: 'main', S3BucketName: 'logs' })),
    (error) =>
      error instanceof UnsupportedOperationException && /^S3BucketName/.test(error.message),
  )
})

test('operations that others build get and give epoch seconds', async () => {
  await using stack = new AsyncDisposableStack()
  const lookupEvents: Operation<'LookupEvents'> = async ({ StartTime, MaxResults }) => ({
    Events: [{ EventId: String(MaxResults), EventTime: StartTime, CloudTrailEvent: '{"a": 1.0}' }],
  })
  const { clientIn } = await start(stack, { lookupEvents })
  const client = clientIn('us-east-1')
  const StartTime = new Date('2026-03-02T08:00:00Z')
  const { Events } = await client.send(new LookupEventsCommand({ StartTime, MaxResults: 3 }))
  assert.deepEqual(Events, [{ EventId: '3', EventTime: StartTime, CloudTrailEvent: '{"a": 1.0}' }])
  const keys = await client.send(new ListPublicKeysCommand({}))
  assert.deepEqual(keys.PublicKeyList, [])
})
