/** A `clew serve` to be measured: with an upstream, and with a trail that is running. */
import {
  CloudTrailClient,
  CreateTrailCommand,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { type ClewServer, removeFolder, startClew } from '../../../test/conformance/clew-server.ts'
import { bucketPolicy } from '../../../test/conformance/trail-setup.ts'
import { signedRequest } from '../client/signed-request.ts'
import { type PortProcess, startPortProcess } from './child.ts'
import { type Roles, rolesOf } from './processes.ts'

export interface MeasuredClew extends ClewServer {
  readonly port: number
  readonly host: string
  readonly processes: Roles
}

export const clientOptions = (clew: ClewServer) => ({
  endpoint: clew.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
})

export const TRAIL = 'main'

/** Bucket `audit` and its trail. `policy`: by default that of the server's own account. */
export const makeTrail = async (
  clew: ClewServer,
  options: { logging: boolean; policy?: string; multiRegion?: boolean },
): Promise<void> => {
  const { logging, policy, multiRegion: IsMultiRegionTrail = false } = options
  const common = clientOptions(clew)
  const s3 = new S3Client({ ...common, forcePathStyle: true })
  const trails = new CloudTrailClient(common)
  await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
  await s3.send(
    new PutBucketPolicyCommand({ Bucket: 'audit', Policy: policy ?? bucketPolicy('audit') }),
  )
  const trail = { Name: TRAIL, S3BucketName: 'audit', EnableLogFileValidation: true }
  await trails.send(new CreateTrailCommand({ ...trail, IsMultiRegionTrail }))
  if (logging) await trails.send(new StartLoggingCommand({ Name: TRAIL }))
  s3.destroy()
  trails.destroy()
}

export const startMeasured = async (
  options: Parameters<typeof startClew>[0] = {},
): Promise<MeasuredClew> => {
  const clew = await startClew({ ...options, environment: { CLEW_LOG_LEVEL: 'warn' } })
  const { host, port } = new URL(clew.endpoint)
  return { ...clew, host, port: Number(port), processes: rolesOf(clew.data) }
}

export interface MeasuredPair {
  readonly clew: MeasuredClew
  readonly upstream: PortProcess
  /** The bytes of a read and of a management write, signed now. */
  requests(): Promise<{ readonly read: Buffer; readonly write: Buffer }>
  close(): Promise<void>
}

/** Event history and one trail with validation running, in front of the stub upstream. */
export const startWithUpstream = async (): Promise<MeasuredPair> => {
  const upstream = await startPortProcess('stub-upstream.ts')
  const clew = await startMeasured({
    flags: ['--upstream', `http://127.0.0.1:${upstream.port}`, '--upstream', 's3=builtin'],
  })
  await makeTrail(clew, { logging: true })
  const sign = (signingName: string, target: string, body: string) =>
    signedRequest({ ...clew, signingName, target, body })
  return {
    clew,
    upstream,
    requests: async () => ({
      read: await sign('dynamodb', 'DynamoDB_20120810.ListTables', '{}'),
      write: await sign('sqs', 'AmazonSQS.CreateQueue', '{"QueueName":"bench"}'),
    }),
    close: async () => {
      await clew.stop()
      await upstream.stop()
      removeFolder(clew.data)
    },
  }
}
