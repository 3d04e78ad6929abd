/**
 * Rounds of kill -9 of the whole process group under load. Afterwards every acknowledged call is in
 * the delivered log files exactly once, the chain is valid and fsck is clean.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  CloudTrailClient,
  CreateTrailCommand,
  LookupEventsCommand,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  type ClewServer,
  makeDataFolder,
  removeFolder,
  startClew,
} from '../conformance/clew-server.ts'
import { aws, pythonMissing, run } from '../conformance/run-command.ts'
import { ACCOUNT, bucketPolicy } from '../conformance/trail-setup.ts'

const ROUNDS = Number(process.env.CLEW_TEST_KILL_ROUNDS ?? 10)
const CALLERS = 8
/** A round ends after a number of acknowledged calls that differs from round to round. */
const callsOfRound = (round: number): number => 60 + ((round * 47) % 90)

const clientsOf = (clew: ClewServer) => {
  const common = {
    endpoint: clew.endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
  }
  return {
    s3: new S3Client({ ...common, forcePathStyle: true }),
    sts: new STSClient(common),
    trails: new CloudTrailClient(common),
  }
}

/** Calls in turn until the server dies; adds the request id of every answer that arrived. */
const load = async (
  clew: ClewServer,
  acknowledged: Set<string>,
  enough: { at: number; reached: () => void },
): Promise<void> => {
  const { s3, sts, trails } = clientsOf(clew)
  const caller = async (index: number): Promise<void> => {
    for (let turn = index; ; turn++) {
      try {
        const tagging = { TagSet: [{ Key: 'turn', Value: String(turn) }] }
        const answer =
          turn % 3 === 0
            ? await s3.send(new PutBucketTaggingCommand({ Bucket: 'load', Tagging: tagging }))
            : turn % 3 === 1
              ? await sts.send(new GetCallerIdentityCommand({}))
              : await trails.send(new LookupEventsCommand({ MaxResults: 1 }))
        acknowledged.add(answer.$metadata.requestId ?? '')
        if (acknowledged.size >= enough.at) enough.reached()
      } catch {
        return // the server was killed under this call: it was not acknowledged
      }
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(index)))
}

describe('kill -9 of the whole process group', { skip: pythonMissing }, () => {
  const acknowledged = new Set<string>()
  let data: string
  let clew: ClewServer

  before(async () => {
    data = makeDataFolder()
    clew = await startClew({ data })
    const { s3, trails } = clientsOf(clew)
    await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
    await s3.send(new CreateBucketCommand({ Bucket: 'load' }))
    await s3.send(new PutBucketPolicyCommand({ Bucket: 'audit', Policy: bucketPolicy('audit') }))
    const trail = { Name: 'main', S3BucketName: 'audit', EnableLogFileValidation: true }
    await trails.send(new CreateTrailCommand(trail))
    await trails.send(new StartLoggingCommand({ Name: 'main' }))
    for (let round = 0; round < ROUNDS; round++) {
      const enough = Promise.withResolvers<void>()
      const goal = { at: acknowledged.size + callsOfRound(round), reached: enough.resolve }
      const loading = load(clew, acknowledged, goal)
      await enough.promise
      // Every third round a flush is under way when the blow comes.
      if (round % 3 === 2) void clew.flush().catch(() => {})
      await clew.kill()
      await loading
      clew = await startClew({ data })
    }
    await clew.flush()
  })
  after(async () => {
    await clew.stop()
    removeFolder(data)
  })

  it('loses no acknowledged event and delivers none twice', async () => {
    const { s3 } = clientsOf(clew)
    const delivered: string[] = []
    let token: string | undefined
    do {
      const prefix = `AWSLogs/${ACCOUNT}/CloudTrail/`
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: 'audit', Prefix: prefix, ContinuationToken: token }),
      )
      for (const { Key, Size } of page.Contents ?? []) {
        if (Size === 0) continue // the marker of CreateTrail's preflight
        const object = await s3.send(new GetObjectCommand({ Bucket: 'audit', Key }))
        const bytes = await object.Body?.transformToByteArray()
        const { Records } = JSON.parse(gunzipSync(bytes ?? new Uint8Array()).toString())
        for (const record of Records) {
          delivered.push(record.requestID ?? record.eventID)
        }
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
    const times = Map.groupBy(delivered, (id) => id)
    assert.ok(acknowledged.size > ROUNDS * 50)
    assert.deepEqual(
      [...acknowledged].filter((id) => !times.has(id)),
      [],
      'lost',
    )
    assert.deepEqual(
      [...times].filter(([, all]) => all.length > 1).map(([id]) => id),
      [],
      'twice',
    )
  })

  it('leaves a valid chain', async () => {
    const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`
    const range = ['--trail-arn', arn, '--start-time', '2020-01-01']
    const result = await aws(clew.environment, ['cloudtrail', 'validate-logs', ...range], 'any')
    assert.equal(result.code, 0, result.stdout + result.stderr)
    assert.match(result.stdout, /(\d+)\/\1 log files valid/)
  })

  it('leaves a clean folder', async () => {
    const fsck = await run(process.execPath, ['src/main.ts', 'fsck', '--data', data])
    assert.equal(fsck.code, 0, fsck.stdout + fsck.stderr)
  })
})
