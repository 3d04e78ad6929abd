/** The AWS SDK for JavaScript v3 against the running service: CloudTrail, S3, STS. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import {
  AddTagsCommand,
  CloudTrailClient,
  CreateTrailCommand,
  DeleteTrailCommand,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  ListPublicKeysCommand,
  ListTagsCommand,
  ListTrailsCommand,
  LookupEventsCommand,
  PutEventSelectorsCommand,
  RemoveTagsCommand,
  StartLoggingCommand,
  StartQueryCommand,
  StopLoggingCommand,
  UpdateTrailCommand,
} from '@aws-sdk/client-cloudtrail'
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type ClewServer, removeFolder, startClew } from './clew-server.ts'
import { run } from './run-command.ts'
import { ACCOUNT, bucketPolicy } from './trail-setup.ts'

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'no error'
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

describe('SDK v3', () => {
  let clew: ClewServer
  let s3: S3Client
  let trails: CloudTrailClient
  let sts: STSClient

  before(async () => {
    clew = await startClew()
    const common = {
      endpoint: clew.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
    }
    s3 = new S3Client({ ...common, forcePathStyle: true })
    trails = new CloudTrailClient(common)
    sts = new STSClient(common)
    await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
  })
  after(async () => {
    await clew.stop()
    removeFolder(clew.data)
  })

  it('names the caller', async () => {
    const identity = await sts.send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Arn, `arn:aws:iam::${ACCOUNT}:root`)
    const role = { RoleArn: `arn:aws:iam::${ACCOUNT}:role/none`, RoleSessionName: 'session' }
    assert.equal(await codeOf(sts.send(new AssumeRoleCommand(role))), 'AccessDenied')
  })

  it('refuses a wrong secret in the protocol of each service', async () => {
    const wrong = {
      endpoint: clew.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: 'wrong' },
    }
    const unknown = { ...wrong, credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } }
    const lookup = new LookupEventsCommand({})
    assert.equal(
      await codeOf(new CloudTrailClient(wrong).send(lookup)),
      'InvalidSignatureException',
    )
    assert.equal(
      await codeOf(new CloudTrailClient(unknown).send(lookup)),
      'UnrecognizedClientException',
    )
    const list = new ListObjectsV2Command({ Bucket: 'audit' })
    assert.equal(
      await codeOf(new S3Client({ ...wrong, forcePathStyle: true }).send(list)),
      'SignatureDoesNotMatch',
    )
    assert.equal(
      await codeOf(new S3Client({ ...unknown, forcePathStyle: true }).send(list)),
      'InvalidAccessKeyId',
    )
    assert.equal(
      await codeOf(new STSClient(unknown).send(new GetCallerIdentityCommand({}))),
      'InvalidClientTokenId',
    )
  })

  it('keeps objects, streams, parts, metadata and presigned URLs', async () => {
    const Bucket = 'audit'
    const small = { Bucket, Key: 'a/ü b.txt', Body: 'hello', Metadata: { Colour: 'blue' } }
    await s3.send(new PutObjectCommand({ ...small, ContentEncoding: 'x-odd' }))
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: small.Key }))
    assert.deepEqual(head.Metadata, { colour: 'blue' })
    assert.equal(head.ContentEncoding, 'x-odd')
    const range = await s3.send(
      new GetObjectCommand({ Bucket, Key: small.Key, Range: 'bytes=1-3' }),
    )
    assert.equal(await range.Body?.transformToString(), 'ell')

    const content = randomBytes(11 * 1024 * 1024)
    const body = Readable.from(
      (function* () {
        for (let at = 0; at < content.length; at += 100_000)
          yield content.subarray(at, at + 100_000)
      })(),
    )
    await new Upload({ client: s3, params: { Bucket, Key: 'large', Body: body } }).done()
    const back = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    assert.ok(content.equals((await back.Body?.transformToByteArray()) ?? new Uint8Array()))

    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: small.Key }))
    assert.equal(await (await fetch(url)).text(), 'hello')
    const tampered = await fetch(url.replace(/X-Amz-Signature=.{8}/, 'X-Amz-Signature=00000000'))
    assert.equal(tampered.status, 403)
    await tampered.text()

    const Objects = [{ Key: small.Key }, { Key: 'large' }]
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    const left = await s3.send(new ListObjectsV2Command({ Bucket }))
    assert.equal(left.KeyCount, 0)
  })

  it('has the whole life of a trail', async () => {
    const trail = { Name: 'main', S3BucketName: 'audit', IsMultiRegionTrail: true }
    assert.equal(
      await codeOf(trails.send(new CreateTrailCommand(trail))),
      'InsufficientS3BucketPolicyException',
    )
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'audit', Policy: bucketPolicy('audit') }))
    const created = await trails.send(new CreateTrailCommand(trail))
    assert.equal(created.IsMultiRegionTrail, true)
    assert.equal(
      await codeOf(trails.send(new CreateTrailCommand(trail))),
      'TrailAlreadyExistsException',
    )
    await trails.send(new StartLoggingCommand({ Name: 'main' }))
    const status = await trails.send(new GetTrailStatusCommand({ Name: 'main' }))
    assert.equal(status.IsLogging, true)
    assert.ok(status.StartLoggingTime instanceof Date)

    const west = new CloudTrailClient({
      endpoint: clew.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
    })
    const shadows = await west.send(new DescribeTrailsCommand({}))
    assert.equal(shadows.trailList?.[0]?.HomeRegion, 'us-east-1')
    assert.equal(
      await codeOf(west.send(new StopLoggingCommand({ Name: created.TrailARN }))),
      'InvalidHomeRegionException',
    )

    const AdvancedEventSelectors = [
      { Name: 'all', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
    ]
    const put = { TrailName: 'main', AdvancedEventSelectors }
    await trails.send(new PutEventSelectorsCommand(put))
    const selectors = await trails.send(new GetEventSelectorsCommand({ TrailName: 'main' }))
    assert.deepEqual(selectors.AdvancedEventSelectors, AdvancedEventSelectors)

    const ResourceId = created.TrailARN
    const TagsList = [{ Key: 'team', Value: 'audit' }]
    await trails.send(new AddTagsCommand({ ResourceId, TagsList }))
    const ResourceIdList = [ResourceId ?? '']
    const tags = await trails.send(new ListTagsCommand({ ResourceIdList }))
    assert.deepEqual(tags.ResourceTagList?.[0]?.TagsList, TagsList)
    await trails.send(new RemoveTagsCommand({ ResourceId, TagsList: [{ Key: 'team' }] }))

    await trails.send(new UpdateTrailCommand({ Name: 'main', EnableLogFileValidation: true }))
    const got = await trails.send(new GetTrailCommand({ Name: 'main' }))
    assert.equal(got.Trail?.LogFileValidationEnabled, true)
    assert.equal((await trails.send(new ListTrailsCommand({}))).Trails?.length, 1)
    const keys = await trails.send(new ListPublicKeysCommand({}))
    assert.equal(keys.PublicKeyList?.length, 1)
    assert.equal(
      await codeOf(trails.send(new StartQueryCommand({ QueryStatement: 'SELECT 1' }))),
      'UnsupportedOperationException',
    )
    await trails.send(new StopLoggingCommand({ Name: 'main' }))
    await trails.send(new DeleteTrailCommand({ Name: 'main' }))
    assert.equal(
      await codeOf(trails.send(new GetTrailCommand({ Name: 'main' }))),
      'TrailNotFoundException',
    )
    await clew.flush()
  })

  it('pages through the history and shows what happened a moment ago', async () => {
    const marker = `region-${process.pid}`
    await s3.send(new CreateBucketCommand({ Bucket: marker }))
    const attribute = { AttributeKey: 'ResourceName', AttributeValue: marker } as const
    const deadline = AbortSignal.timeout(10_000)
    for (;;) {
      const found = await trails.send(new LookupEventsCommand({ LookupAttributes: [attribute] }))
      if (found.Events?.[0]?.EventName === 'CreateBucket') break
      deadline.throwIfAborted()
    }
    const ids: string[] = []
    let NextToken: string | undefined
    do {
      const page = await trails.send(new LookupEventsCommand({ MaxResults: 7, NextToken }))
      ids.push(...(page.Events ?? []).map((event) => event.EventId ?? ''))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(ids.length > 20)
  })

  it('lets a role be assumed by a user that its trust policy names', async () => {
    const data = ['--data', clew.data]
    const clewCommand = async (...args: string[]): Promise<string> => {
      const result = await run(process.execPath, ['src/main.ts', ...args, ...data])
      assert.equal(result.code, 0, result.stderr)
      return result.stdout
    }
    const trust = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/alice` },
          Action: 'sts:AssumeRole',
        },
      ],
    }
    await clewCommand('keys', 'create-user', 'alice')
    await clewCommand('keys', 'create-role', 'auditor', '--trust', JSON.stringify(trust))
    const printed = await clewCommand('keys', 'create-key', '--user', 'alice')
    const [, accessKeyId = ''] = /AWS_ACCESS_KEY_ID=(\S+)/.exec(printed) ?? []
    const [, secretAccessKey = ''] = /AWS_SECRET_ACCESS_KEY=(\S+)/.exec(printed) ?? []
    const alice = new STSClient({
      endpoint: clew.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    })
    const RoleArn = `arn:aws:iam::${ACCOUNT}:role/auditor`
    const assumed = await alice.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'evening' }))
    const session = new STSClient({
      endpoint: clew.endpoint,
      region: 'us-east-1',
      credentials: {
        accessKeyId: assumed.Credentials?.AccessKeyId ?? '',
        secretAccessKey: assumed.Credentials?.SecretAccessKey ?? '',
        sessionToken: assumed.Credentials?.SessionToken ?? '',
      },
    })
    const identity = await session.send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/auditor/evening`)
    const denied = new CloudTrailClient({
      endpoint: clew.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    })
    assert.equal(await codeOf(denied.send(new LookupEventsCommand({}))), 'AccessDeniedException')
  })
})
