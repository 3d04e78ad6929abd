/**
 * `npm run demo`: the whole story on a throw-away folder, with real signed calls: the calls, the
 * events with their callers, the log file, its digest, the verification, a tampered copy caught.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { styleText } from 'node:util'
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
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { trailBucketPolicy } from '../src/trails/testing/bucket-policy.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const ACCOUNT = '123456789012'
const ARN = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`
const root = mkdtempSync(join(tmpdir(), 'clew-demo-'))
const data = join(root, 'data')
const copy = join(root, 'copy')

/** styleText leaves the sequences out where stdout is no terminal, and where NO_COLOR says so. */
const chapter = (title: string): void =>
  console.log(`\n${styleText('bold', `── ${title}`, { stream: process.stdout })}`)

const clew = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  new Promise<{ code: number | null; output: string }>((resolve) => {
    const child = spawn(process.execPath, ['--no-maglev', MAIN, ...args], { env })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
    }
    child.once('close', (code) => resolve({ code, output }))
  })

const startServer = async () => {
  const flags = ['--listen', '127.0.0.1:0', '--console', '127.0.0.1:0', '--log-level', 'warn']
  const child = spawn(process.execPath, ['--no-maglev', MAIN, 'serve', '--data', data, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('is ready')) break
  }
  return child
}

const keyIn = (text: string) => ({
  accessKeyId: /AWS_ACCESS_KEY_ID='?([A-Z0-9]+)/.exec(text)?.[1] ?? '',
  secretAccessKey: /AWS_SECRET_ACCESS_KEY='?([^'\s]+)/.exec(text)?.[1] ?? '',
})

const policy = trailBucketPolicy('audit', ACCOUNT)

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/alice` },
      Action: 'sts:AssumeRole',
    },
  ],
})

/** Downloads the bucket into the copy; returns the keys. */
const download = async (s3: S3Client): Promise<string[]> => {
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: 'audit', Prefix: 'AWSLogs' }),
  )
  const keys = Contents.filter(({ Size }) => (Size ?? 0) > 0).map(({ Key }) => Key ?? '')
  for (const Key of keys) {
    const object = await s3.send(new GetObjectCommand({ Bucket: 'audit', Key }))
    const file = join(copy, Key)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, (await object.Body?.transformToByteArray()) ?? '')
    const metadata = object.Metadata ?? {}
    if (Object.keys(metadata).length > 0) {
      writeFileSync(`${file}.metadata.json`, JSON.stringify(metadata))
    }
  }
  return keys
}

const story = async (): Promise<void> => {
  const profile = readFileSync(join(data, 'profile.env'), 'utf8')
  const endpoint = /AWS_ENDPOINT_URL='([^']+)'/.exec(profile)?.[1] ?? ''
  const common = { endpoint, region: 'us-east-1' }
  const s3 = new S3Client({ ...common, credentials: keyIn(profile), forcePathStyle: true })
  const trails = new CloudTrailClient({ ...common, credentials: keyIn(profile) })

  chapter('A bucket that CloudTrail may write to, and a trail into it')
  await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'audit', Policy: policy }))
  const trail = { Name: 'main', S3BucketName: 'audit', EnableLogFileValidation: true }
  console.log((await trails.send(new CreateTrailCommand(trail))).TrailARN)
  await trails.send(new StartLoggingCommand({ Name: 'main' }))

  chapter('Calls by the root key, by a user, and by a role that the user assumed')
  await clew(['keys', 'create-user', 'alice', '--data', data])
  await clew(['keys', 'create-role', 'auditor', '--trust', trust, '--data', data])
  const alice = keyIn(
    (await clew(['keys', 'create-key', '--user', 'alice', '--data', data])).output,
  )
  const sts = new STSClient({ ...common, credentials: alice })
  const role = { RoleArn: `arn:aws:iam::${ACCOUNT}:role/auditor`, RoleSessionName: 'evening' }
  const { Credentials } = await sts.send(new AssumeRoleCommand(role))
  const session = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  }
  const assumed = new STSClient({ ...common, credentials: session })
  console.log((await assumed.send(new GetCallerIdentityCommand({}))).Arn)
  await s3.send(new PutObjectCommand({ Bucket: 'audit', Key: 'hello', Body: 'world' }))

  chapter('The events, with their callers (LookupEvents)')
  await clew(['flush', '--data', data])
  const { Events = [] } = await trails.send(new LookupEventsCommand({}))
  for (const event of Events) {
    const { userIdentity } = JSON.parse(event.CloudTrailEvent ?? '{}')
    console.log(
      `${event.EventName?.padEnd(20)} ${userIdentity.type.padEnd(12)} ${userIdentity.arn}`,
    )
  }

  chapter('The log file and the digest in the bucket')
  const keys = await download(s3)
  for (const key of keys) console.log(key)
  const log = keys.find((key) => key.includes('_CloudTrail_')) ?? ''
  const { Records } = JSON.parse(gunzipSync(readFileSync(join(copy, log))).toString())
  console.log(`${Records.length} records, the first: ${Records[0].eventName} ${Records[0].eventID}`)

  chapter('Verification against the endpoint')
  const environment = {
    ...process.env,
    AWS_ACCESS_KEY_ID: keyIn(profile).accessKeyId,
    AWS_SECRET_ACCESS_KEY: keyIn(profile).secretAccessKey,
  }
  const online = ['verify', '--endpoint-url', endpoint, '--trail-arn', ARN, '--region', 'us-east-1']
  const valid = await clew(online, environment)
  console.log(`${valid.output}exit code ${valid.code}`)

  chapter('The same offline on a copy, with one byte of the log file altered')
  const exported = await clew(['keys', 'export-public', '--data', data])
  writeFileSync(join(root, 'public-keys.json'), exported.output)
  const bytes = readFileSync(join(copy, log))
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(join(copy, log), bytes)
  const offline = ['verify', copy, '--public-keys', join(root, 'public-keys.json')]
  const caught = await clew([...offline, '--trail-arn', ARN, '--bucket', 'audit'])
  console.log(`${caught.output}exit code ${caught.code}`)
  if (valid.code !== 0 || caught.code !== 1) throw new Error('The demo did not end as it should.')
}

const server = await startServer()
try {
  await story()
  console.log('\nDone. `npm start` runs it for real.')
} finally {
  server.kill('SIGTERM')
  await new Promise((resolve) => server.once('exit', resolve))
  rmSync(root, { recursive: true, force: true })
}
