/** The AWS SDK for JavaScript as it is, through the gateway: S3, STS and CloudTrail. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import {
  CloudTrailClient,
  CreateTrailCommand,
  DescribeTrailsCommand,
} from '@aws-sdk/client-cloudtrail'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { BuiltinService } from '../../identity/verified-call.ts'
import { CallFault } from '../faults/call-fault.ts'
import { ACCESS_KEY, SECRET } from '../signature/signing.test-support.ts'
import { readAll, startGateway } from './gateway.test-support.ts'

const CREDENTIALS = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET }

/** Objects and parts in memory, by path and query. */
const memoryS3 = () => {
  const objects = new Map<string, Buffer>()
  const trailers: Record<string, string>[] = []
  const parts = new Map<number, Buffer>()
  const empty = Buffer.alloc(0)
  const xml = (text: string) => ({ status: 200, headers: {}, body: Buffer.from(text) })
  const service: BuiltinService = async (call) => {
    const path = decodeURIComponent(call.rawPath)
    const query = new URLSearchParams(call.rawQuery)
    const body = await readAll(call.body)
    const number = query.get('partNumber')
    if (call.method === 'POST' && query.has('uploads')) {
      return xml(
        '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>',
      )
    }
    if (call.method === 'POST') {
      objects.set(path, Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, part]) => part)))
      return xml('<CompleteMultipartUploadResult><ETag>"m"</ETag></CompleteMultipartUploadResult>')
    }
    if (call.method === 'PUT') {
      if (number === null) objects.set(path, body)
      else parts.set(Number(number), body)
      trailers.push({ ...call.trailers() })
      const etag = createHash('md5').update(body).digest('hex')
      return { status: 200, headers: { etag: `"${etag}"` }, body: empty }
    }
    if (call.method === 'DELETE') return { status: 204, headers: {}, body: empty }
    const stored = objects.get(path)
    if (stored === undefined)
      throw new CallFault(404, 'NoSuchKey', 'The specified key does not exist.')
    const headers = { 'content-length': String(stored.length) }
    if (call.method === 'HEAD') return { status: 200, headers, body: empty }
    return {
      status: 200,
      headers,
      body: Readable.from([stored.subarray(0, 9), stored.subarray(9)]),
    }
  }
  return { service, objects, trailers }
}

const start = async (t: TestContext) => {
  const store = memoryS3()
  const callers: BuiltinService = async (call) => ({
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: Buffer.from(
      `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${call.account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    ),
  })
  const trails: BuiltinService = async (call) => {
    const input = JSON.parse((await readAll(call.body)).toString()) as { Name?: string }
    const body = { Name: input.Name, trailList: [] }
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }
  }
  const services: Record<string, BuiltinService> = {
    s3: store.service,
    sts: callers,
    cloudtrail: trails,
  }
  const gateway = await startGateway(t, {
    builtin: (name) => services[name],
    limits: { streamFromBytes: 50_000 },
  })
  const config = (credentials = CREDENTIALS) => ({
    endpoint: gateway.url,
    region: 'eu-central-1',
    credentials,
    maxAttempts: 1,
  })
  const s3 = new S3Client({ ...config(), forcePathStyle: true })
  t.after(() => s3.destroy())
  return { ...gateway, ...store, config, s3 }
}

test('S3: objects of any kind of body, heads, deletions, errors', async (t) => {
  const { s3, objects, trailers, recorder } = await start(t)
  const large = Buffer.alloc(300_000, 'abc')
  const at = (Key: string) => ({ Bucket: 'bucket', Key })
  await s3.send(new PutObjectCommand({ ...at('a key+ü/1'), Body: 'small' }))
  await s3.send(new PutObjectCommand({ ...at('large'), Body: large, ChecksumAlgorithm: 'SHA256' }))
  const stream = Readable.from([large.subarray(0, 100_000), large.subarray(100_000)])
  await s3.send(
    new PutObjectCommand({
      ...at('stream'),
      Body: stream,
      ContentLength: large.length,
      ChecksumAlgorithm: 'CRC32',
    }),
  )
  assert.deepEqual([...objects.keys()], ['/bucket/a key+ü/1', '/bucket/large', '/bucket/stream'])
  assert.ok(
    objects.get('/bucket/large')?.equals(large) && objects.get('/bucket/stream')?.equals(large),
  )
  assert.match(trailers[2]?.['x-amz-checksum-crc32'] ?? '', /^[A-Za-z0-9+/]{6}==$/)
  const got = await s3.send(new GetObjectCommand(at('large')))
  assert.ok(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(large))
  assert.equal((await s3.send(new HeadObjectCommand(at('large')))).ContentLength, 300_000)
  await s3.send(new DeleteObjectCommand(at('large')))
  await assert.rejects(s3.send(new GetObjectCommand(at('none'))), { name: 'NoSuchKey' })
  await assert.rejects(s3.send(new HeadObjectCommand(at('none'))), { name: 'NotFound' })
  const events = recorder.records()
  assert.deepEqual(
    events.map(({ eventName, status }) => `${eventName} ${status}`),
    [
      'PutObject 200',
      'PutObject 200',
      'PutObject 200',
      'GetObject 200',
      'HeadObject 200',
      'DeleteObject 204',
      'GetObject 404',
      'HeadObject 404',
    ],
  )
})

test('S3: presigned URLs and multipart uploads', async (t) => {
  const { s3, objects, recorder } = await start(t)
  const at = { Bucket: 'bucket', Key: 'presigned' }
  const url = await getSignedUrl(s3, new PutObjectCommand(at), { expiresIn: 60 })
  assert.equal((await fetch(url, { method: 'PUT', body: 'by hand' })).status, 200)
  const back = await getSignedUrl(s3, new GetObjectCommand(at), { expiresIn: 60 })
  assert.equal(await (await fetch(back)).text(), 'by hand')
  assert.equal((await fetch(back.replace('presigned?', 'another?'))).status, 403)
  assert.equal(recorder.records()[0]?.signature, 'SigV4 QueryString')
  const body = Buffer.alloc(11 * 1024 * 1024, 'xyz')
  await new Upload({ client: s3, params: { Bucket: 'bucket', Key: 'parts', Body: body } }).done()
  assert.ok(objects.get('/bucket/parts')?.equals(body))
})

test('JSON and query services, and refusals that the SDK understands', async (t) => {
  const { config, recorder } = await start(t)
  const trails = new CloudTrailClient(config())
  const callers = new STSClient(config())
  const stranger = config({ accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' })
  const forger = config({ accessKeyId: ACCESS_KEY, secretAccessKey: 'x' })
  const input = { Name: 'trail', S3BucketName: 'bucket' }
  assert.equal((await trails.send(new CreateTrailCommand(input))).Name, 'trail')
  assert.deepEqual((await trails.send(new DescribeTrailsCommand())).trailList, [])
  assert.equal((await callers.send(new GetCallerIdentityCommand())).Account, '111122223333')
  const refused = async (promise: Promise<unknown>, name: string): Promise<void> => {
    await assert.rejects(promise, (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
      assert.equal(error.name, name)
      assert.equal(error.$metadata?.httpStatusCode, 403)
      return true
    })
  }
  await refused(
    new CloudTrailClient(stranger).send(new DescribeTrailsCommand()),
    'UnrecognizedClientException',
  )
  await refused(
    new CloudTrailClient(forger).send(new DescribeTrailsCommand()),
    'InvalidSignatureException',
  )
  await refused(
    new STSClient(stranger).send(new GetCallerIdentityCommand()),
    'InvalidClientTokenId',
  )
  const get = new GetObjectCommand({ Bucket: 'b', Key: 'k' })
  await refused(new S3Client({ ...stranger, forcePathStyle: true }).send(get), 'InvalidAccessKeyId')
  assert.equal(recorder.events.length, 3)
})
