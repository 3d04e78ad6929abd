import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as s3 from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { serveForTest } from './testing/http-adapter.ts'
import { type TestS3, testS3 } from './testing/test-service.ts'

const MEBIBYTE = 1024 * 1024

describe('SDK v3 against the built-in S3', () => {
  let server: Awaited<ReturnType<typeof serveForTest>>
  let tested: TestS3
  let client: s3.S3Client
  const clientOf = (region: string) =>
    new s3.S3Client({
      region,
      endpoint: server.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'x'.repeat(40) },
      maxAttempts: 1,
    })
  before(async () => {
    tested = await testS3()
    server = await serveForTest(tested.service)
    client = clientOf('us-east-1')
    await client.send(new s3.CreateBucketCommand({ Bucket: 'first-bucket' }))
  })
  after(async () => {
    client.destroy()
    await server.close()
    await tested.close()
  })
  const Bucket = 'first-bucket'
  const named = (name: string, status: number) => (error: unknown) => {
    assert.ok(error instanceof s3.S3ServiceException)
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, status])
    return true
  }

  it('makes, finds and removes buckets', async () => {
    const frankfurt = clientOf('eu-central-1')
    await frankfurt.send(
      new s3.CreateBucketCommand({
        Bucket: 'second-bucket',
        CreateBucketConfiguration: {
          LocationConstraint: 'eu-central-1',
          Tags: [{ Key: 'team', Value: 'a + b' }],
        },
      }),
    )
    const again = new s3.CreateBucketCommand({
      Bucket: 'second-bucket',
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    })
    await assert.rejects(frankfurt.send(again), named('BucketAlreadyOwnedByYou', 409))
    await client.send(new s3.CreateBucketCommand({ Bucket }))
    const { LocationConstraint } = await client.send(
      new s3.GetBucketLocationCommand({ Bucket: 'second-bucket' }),
    )
    assert.equal(LocationConstraint, 'eu-central-1')
    const head = await client.send(new s3.HeadBucketCommand({ Bucket: 'second-bucket' }))
    assert.equal(head.BucketRegion, 'eu-central-1')
    const { Buckets } = await client.send(new s3.ListBucketsCommand({}))
    assert.deepEqual(
      Buckets?.map(({ Name }) => Name),
      ['first-bucket', 'second-bucket'],
    )
    const page = await client.send(new s3.ListBucketsCommand({ MaxBuckets: 1 }))
    const next = await client.send(
      new s3.ListBucketsCommand({ ContinuationToken: page.ContinuationToken, MaxBuckets: 1 }),
    )
    assert.deepEqual(
      next.Buckets?.map(({ Name }) => Name),
      ['second-bucket'],
    )
    const { TagSet } = await client.send(
      new s3.GetBucketTaggingCommand({ Bucket: 'second-bucket' }),
    )
    assert.deepEqual(TagSet, [{ Key: 'team', Value: 'a + b' }])
    await client.send(new s3.PutObjectCommand({ Bucket: 'second-bucket', Key: 'k', Body: 'x' }))
    const remove = new s3.DeleteBucketCommand({ Bucket: 'second-bucket' })
    await assert.rejects(client.send(remove), named('BucketNotEmpty', 409))
    await client.send(new s3.DeleteObjectCommand({ Bucket: 'second-bucket', Key: 'k' }))
    await client.send(remove)
    await assert.rejects(client.send(new s3.HeadBucketCommand({ Bucket: 'second-bucket' })), {
      name: 'NotFound',
    })
    frankfurt.destroy()
  })

  it('puts and gets objects with metadata, checksums and content headers', async () => {
    const Key = 'ärger/ #?%+ü\u{1F600}.json.gz'
    const Body = randomBytes(100_000)
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      const put = await client.send(
        new s3.PutObjectCommand({
          ...{ Bucket, Key, Body, ChecksumAlgorithm },
          ContentEncoding: 'gzip',
          ContentType: 'application/json',
          CacheControl: 'no-cache',
          Metadata: { Signature: 'ab', 'x-y': '1' },
          Tagging: 'a=1&b=%20x',
          StorageClass: 'STANDARD_IA',
        }),
      )
      assert.equal(put.ETag, `"${createHash('md5').update(Body).digest('hex')}"`)
      assert.equal(put.ServerSideEncryption, 'AES256')
      assert.equal(put.ChecksumType, 'FULL_OBJECT')
      const got = await client.send(
        new s3.GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }),
      )
      assert.equal(got[`Checksum${ChecksumAlgorithm}`], put[`Checksum${ChecksumAlgorithm}`])
      assert.ok(Body.equals((await got.Body?.transformToByteArray()) ?? Buffer.alloc(0)))
      assert.deepEqual(got.Metadata, { signature: 'ab', 'x-y': '1' })
      assert.deepEqual(
        [got.ContentEncoding, got.ContentType, got.CacheControl, got.TagCount, got.StorageClass],
        ['gzip', 'application/json', 'no-cache', 2, 'STANDARD_IA'],
      )
    }
    const { Contents } = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'ä' }))
    assert.equal(Contents?.[0]?.Key, Key)
    const part = await client.send(
      new s3.GetObjectCommand({ Bucket, Key, Range: 'bytes=-5', ResponseContentType: 'text/x' }),
    )
    assert.equal(part.ContentRange, 'bytes 99995-99999/100000')
    assert.equal(part.ContentType, 'text/x')
    assert.ok(
      Body.subarray(-5).equals((await part.Body?.transformToByteArray()) ?? Buffer.alloc(0)),
    )
    const outside = new s3.GetObjectCommand({ Bucket, Key, Range: 'bytes=100000-' })
    await assert.rejects(client.send(outside), named('InvalidRange', 416))
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key }))
  })

  it('holds conditions', async () => {
    const Key = 'conditions'
    const put = (conditions: { IfNoneMatch?: string; IfMatch?: string }) =>
      client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x', ...conditions }))
    const { ETag = '' } = await put({ IfNoneMatch: '*' })
    await assert.rejects(put({ IfNoneMatch: '*' }), named('PreconditionFailed', 412))
    await put({ IfMatch: ETag })
    await assert.rejects(put({ IfMatch: '"0"' }), named('PreconditionFailed', 412))
    const get = (conditions: Partial<s3.GetObjectCommandInput>) =>
      client.send(new s3.GetObjectCommand({ Bucket, Key, ...conditions }))
    await assert.rejects(get({ IfNoneMatch: ETag }), (error: s3.S3ServiceException) => {
      assert.equal(error.$metadata.httpStatusCode, 304)
      return true
    })
    await assert.rejects(get({ IfMatch: '"0"' }), named('PreconditionFailed', 412))
    await assert.rejects(
      get({ IfUnmodifiedSince: new Date(Date.now() - 60_000) }),
      named('PreconditionFailed', 412),
    )
    await (await get({ IfMatch: ETag, IfUnmodifiedSince: new Date(0) })).Body?.transformToString()
    await assert.rejects(
      client.send(new s3.GetObjectCommand({ Bucket, Key: 'absent' })),
      named('NoSuchKey', 404),
    )
  })

  it('copies with and without new metadata', async () => {
    const from = { Bucket, Key: 'copy/from &' }
    await client.send(
      new s3.PutObjectCommand({ ...from, Body: 'text', Metadata: { a: '1' }, Tagging: 't=1' }),
    )
    const CopySource = `${Bucket}/${encodeURIComponent(from.Key)}`
    const Key = 'copy/to'
    const copied = await client.send(new s3.CopyObjectCommand({ Bucket, Key, CopySource }))
    assert.ok(copied.CopyObjectResult?.ChecksumCRC32)
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
    assert.deepEqual(head.Metadata, { a: '1' })
    const { TagSet } = await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key }))
    assert.deepEqual(TagSet, [{ Key: 't', Value: '1' }])
    await client.send(
      new s3.CopyObjectCommand({
        ...{ Bucket, Key, CopySource, MetadataDirective: 'REPLACE', Metadata: { b: '2' } },
      }),
    )
    const replaced = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
    assert.deepEqual(replaced.Metadata, { b: '2' })
    const itself = { Bucket, Key, CopySource: `${Bucket}/${Key}` }
    await assert.rejects(
      client.send(new s3.CopyObjectCommand(itself)),
      named('InvalidRequest', 400),
    )
    const wrong = { ...itself, Key: 'other', CopySourceIfMatch: '"0"' }
    await assert.rejects(
      client.send(new s3.CopyObjectCommand(wrong)),
      named('PreconditionFailed', 412),
    )
  })

  it('deletes many, loudly and quietly', async () => {
    for (const Key of ['d/1', 'd/2<&>', 'd/3']) {
      await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' }))
    }
    const remove = (keys: string[], Quiet: boolean) =>
      client.send(
        new s3.DeleteObjectsCommand({
          Bucket,
          Delete: { Objects: keys.map((Key) => ({ Key })), Quiet },
        }),
      )
    const loud = await remove(['d/1', 'd/2<&>', 'absent'], false)
    assert.deepEqual(
      loud.Deleted?.map(({ Key }) => Key),
      ['d/1', 'd/2<&>', 'absent'],
    )
    assert.equal((await remove(['d/3'], true)).Deleted, undefined)
    const { KeyCount } = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'd/' }))
    assert.equal(KeyCount, 0)
  })

  it('lists in pages, with delimiters, in both versions', async () => {
    const keys = ['l/a', 'l/b/1', 'l/b/2', 'l/c/1', 'l/d', 'l/e +']
    for (const Key of keys) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const seen: (string | undefined)[] = []
    const pages = s3.paginateListObjectsV2(
      { client, pageSize: 2 },
      { Bucket, Prefix: 'l/', Delimiter: '/' },
    )
    for await (const { Contents = [], CommonPrefixes = [], KeyCount } of pages) {
      assert.equal(KeyCount, Contents.length + CommonPrefixes.length)
      seen.push(...Contents.map(({ Key }) => Key), ...CommonPrefixes.map(({ Prefix }) => Prefix))
    }
    assert.deepEqual(seen.toSorted(), ['l/a', 'l/b/', 'l/c/', 'l/d', 'l/e +'])
    const one = await client.send(
      new s3.ListObjectsCommand({ Bucket, Prefix: 'l/', Delimiter: '/', MaxKeys: 2 }),
    )
    assert.deepEqual([one.IsTruncated, one.NextMarker], [true, 'l/b/'])
    assert.ok(one.Contents?.[0]?.Owner?.ID)
    const two = await client.send(
      new s3.ListObjectsCommand({ Bucket, Prefix: 'l/', Marker: 'l/d', EncodingType: 'url' }),
    )
    assert.deepEqual(
      two.Contents?.map(({ Key }) => Key),
      ['l/e%20%2B'],
    )
    const versions = await client.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'l/d' }))
    assert.deepEqual(
      versions.Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
      [['l/d', 'null', true]],
    )
  })

  it('uploads in parts through lib-storage and gets them back by part', async () => {
    const Body = randomBytes(12 * MEBIBYTE)
    const Key = 'multipart/whole'
    const done = await new Upload({
      client,
      params: { Bucket, Key, Body, ContentType: 'x/y', Metadata: { m: '1' } },
      partSize: 5 * MEBIBYTE,
    }).done()
    assert.match(done.ETag ?? '', /^"[0-9a-f]{32}-3"$/)
    const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }))
    assert.ok(Body.equals((await got.Body?.transformToByteArray()) ?? Buffer.alloc(0)))
    assert.deepEqual([got.ContentType, got.Metadata], ['x/y', { m: '1' }])
    const part = await client.send(new s3.GetObjectCommand({ Bucket, Key, PartNumber: 3 }))
    assert.deepEqual([part.PartsCount, part.ContentLength], [3, 2 * MEBIBYTE])
    const last = await part.Body?.transformToByteArray()
    assert.ok(Body.subarray(10 * MEBIBYTE).equals(last ?? Buffer.alloc(0)))
    const attributes = await client.send(
      new s3.GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize', 'StorageClass'],
      }),
    )
    assert.equal(attributes.ObjectSize, Body.length)
    assert.equal(attributes.ObjectParts?.TotalPartsCount, 3)
    assert.equal(attributes.ETag, done.ETag?.replaceAll('"', ''))
  })

  it('answers the settings of a new bucket as AWS does', async () => {
    const block = await client.send(new s3.GetPublicAccessBlockCommand({ Bucket }))
    assert.equal(block.PublicAccessBlockConfiguration?.BlockPublicPolicy, true)
    const ownership = await client.send(new s3.GetBucketOwnershipControlsCommand({ Bucket }))
    assert.equal(ownership.OwnershipControls?.Rules?.[0]?.ObjectOwnership, 'BucketOwnerEnforced')
    const encryption = await client.send(new s3.GetBucketEncryptionCommand({ Bucket }))
    const [rule] = encryption.ServerSideEncryptionConfiguration?.Rules ?? []
    assert.equal(rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, 'AES256')
    const { Status } = await client.send(new s3.GetBucketVersioningCommand({ Bucket }))
    assert.equal(Status, undefined)
    const { Payer } = await client.send(new s3.GetBucketRequestPaymentCommand({ Bucket }))
    assert.equal(Payer, 'BucketOwner')
    const acl = await client.send(new s3.GetBucketAclCommand({ Bucket }))
    assert.equal(acl.Grants?.[0]?.Permission, 'FULL_CONTROL')
    assert.equal(acl.Grants?.[0]?.Grantee?.Type, 'CanonicalUser')
    const missing: [s3.GetBucketCorsCommand | s3.GetBucketPolicyCommand, string][] = [
      [new s3.GetBucketCorsCommand({ Bucket }), 'NoSuchCORSConfiguration'],
      [new s3.GetBucketPolicyCommand({ Bucket }), 'NoSuchBucketPolicy'],
    ]
    for (const [command, code] of missing) {
      await assert.rejects(client.send(command as s3.GetBucketCorsCommand), named(code, 404))
    }
    const versioning = new s3.PutBucketVersioningCommand({
      Bucket,
      VersioningConfiguration: { Status: 'Enabled' },
    })
    await assert.rejects(client.send(versioning), named('NotImplemented', 501))
  })

  it('keeps policies, tags, ownership controls and the public access block', async () => {
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'cloudtrail.amazonaws.com' },
          Action: 's3:GetBucketAcl',
          Resource: `arn:aws:s3:::${Bucket}`,
        },
      ],
    })
    await client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }))
    assert.equal((await client.send(new s3.GetBucketPolicyCommand({ Bucket }))).Policy, Policy)
    assert.equal((await tested.store.bucket(Bucket))?.policy, Policy)
    const status = await client.send(new s3.GetBucketPolicyStatusCommand({ Bucket }))
    assert.equal(status.PolicyStatus?.IsPublic, false)
    const open = Policy.replace('{"Service":"cloudtrail.amazonaws.com"}', '"*"')
    const putOpen = new s3.PutBucketPolicyCommand({ Bucket, Policy: open })
    await assert.rejects(client.send(putOpen), named('AccessDenied', 403))
    await client.send(
      new s3.PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: false },
      }),
    )
    await client.send(putOpen)
    await client.send(new s3.DeleteBucketPolicyCommand({ Bucket }))
    const Tagging = { TagSet: [{ Key: 'k', Value: 'v' }] }
    await client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging }))
    const tags = await client.send(new s3.GetBucketTaggingCommand({ Bucket }))
    assert.deepEqual(tags.TagSet, Tagging.TagSet)
    const acl = new s3.PutBucketAclCommand({ Bucket, ACL: 'private' })
    await assert.rejects(client.send(acl), named('AccessControlListNotSupported', 400))
    await client.send(
      new s3.PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
      }),
    )
    await client.send(acl)
    await client.send(new s3.DeletePublicAccessBlockCommand({ Bucket }))
    await client.send(new s3.DeleteBucketOwnershipControlsCommand({ Bucket }))
    await assert.rejects(
      client.send(new s3.GetBucketOwnershipControlsCommand({ Bucket })),
      named('OwnershipControlsNotFoundError', 404),
    )
  })
})
