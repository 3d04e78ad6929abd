/** What AWS's own SDK makes of upstreams that fail, through a real server, and what is recorded. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { type ClewServer, removeFolder, startClew } from '../conformance/clew-server.ts'
import { answering, type RawConnection, startRawUpstream } from './raw-upstream.ts'

const LISTED =
  '<ListAllMyBucketsResult><Buckets><Bucket><Name>found</Name></Bucket></Buckets></ListAllMyBucketsResult>'
const OK = `HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\nconnection: close\r\n`
const BUCKETS = `${OK}content-length: ${LISTED.length}\r\n\r\n${LISTED}`

/** What the upstream does with its next connections; the last one again and again. */
let scripts: ((connection: RawConnection) => unknown)[] = []
let clew: ClewServer
let stopUpstream: () => void = () => {}

before(async () => {
  const ended: (() => void)[] = []
  const upstream = await startRawUpstream({ after: (end) => ended.push(end) }, (connection) =>
    (scripts.length > 1 ? scripts.shift() : scripts[0])?.(connection),
  )
  stopUpstream = () => {
    for (const end of ended) end()
  }
  const flags = ['--upstream', `s3=${upstream.url.origin}`, '--capture-upstream-timeout', '300ms']
  clew = await startClew({ flags })
})

after(async () => {
  await clew.stop()
  stopUpstream()
  removeFolder(clew.data)
})

const common = (maxAttempts: number) => ({
  endpoint: clew.endpoint,
  region: 'us-east-1',
  maxAttempts,
  credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
})
const s3 = (maxAttempts: number): S3Client =>
  new S3Client({ ...common(maxAttempts), forcePathStyle: true })

/** The records of one operation, as text of the event history. */
const recorded = async (eventName: string): Promise<Record<string, unknown>[]> => {
  await clew.flush()
  const command = new LookupEventsCommand({
    LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: eventName }],
  })
  const { Events = [] } = await new CloudTrailClient(common(3)).send(command)
  return Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent ?? '{}'))
}

const reset = async ({ socket, until }: RawConnection): Promise<void> => {
  await until(/\r\n\r\n/)
  socket.resetAndDestroy()
}

describe('an SDK and an upstream that fails', () => {
  it('sees an error that it retries, and gets its answer then', async () => {
    scripts = [reset, answering('HTTP/1.1 nonsense'), answering(BUCKETS, 'closes')]
    const { Buckets } = await s3(3).send(new ListBucketsCommand({}))
    assert.deepEqual(
      Buckets?.map(({ Name }) => Name),
      ['found'],
    )
    const codes = (await recorded('ListBuckets')).map(({ errorCode }) => errorCode)
    assert.deepEqual(codes, [undefined, 'BadGateway', 'BadGateway'], 'each attempt is a call')
  })

  it('sees the error of a write, which is recorded once, as one of unknown outcome', async () => {
    scripts = [reset]
    const write = s3(1).send(new CreateBucketCommand({ Bucket: 'lost' }))
    await assert.rejects(write, (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
      assert.deepEqual([error.name, error.$metadata?.httpStatusCode], ['BadGateway', 502])
      return true
    })
    scripts = [() => {}]
    const silent = s3(1).send(new CreateBucketCommand({ Bucket: 'silent' }))
    await assert.rejects(silent, { name: 'GatewayTimeout' })
    const events = await recorded('CreateBucket')
    assert.deepEqual(
      events.map(({ errorCode, additionalEventData }) => [
        errorCode,
        (additionalEventData as Record<string, unknown>).captureIncomplete,
      ]),
      [
        ['GatewayTimeout', true],
        ['BadGateway', true],
      ],
    )
    assert.doesNotMatch(clew.log(), /"level":50/)
  })

  it('never takes half an object for a whole one', async () => {
    const half = 'x'.repeat(300_000)
    for (const head of [
      `${OK}content-length: 900000\r\n\r\n`,
      `${OK}transfer-encoding: chunked\r\n\r\n493e0\r\n`,
      `${OK}\r\n`,
    ]) {
      scripts = [answering(head + half, 'resets')]
      const get = async (): Promise<string | undefined> => {
        const { Body } = await s3(1).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
        return Body?.transformToString()
      }
      await assert.rejects(get, head)
    }
  })

  it('sees the refusal of an upload that nobody takes', async () => {
    const body = '<Error><Code>EntityTooLarge</Code><Message>No.</Message></Error>'
    const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\ncontent-length: ${body.length}\r\n\r\n`
    scripts = [answering(head + body, 'closes')]
    const put = new PutObjectCommand({
      Bucket: 'bucket',
      Key: 'key',
      Body: Buffer.alloc(8_000_000),
    })
    await assert.rejects(s3(1).send(put), { name: 'EntityTooLarge' })
  })
})
