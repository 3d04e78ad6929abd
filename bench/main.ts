/**
 * `npm run bench`: latency that Clew adds at concurrency 1 and calls per second at concurrency 16,
 * history and one trail running, beside the same upstream called directly, in one run. Writes
 * docs/performance.md.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import {
  CloudTrailClient,
  CreateTrailCommand,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { type ClewServer, removeFolder, startClew } from '../test/conformance/clew-server.ts'
import { bucketPolicy } from '../test/conformance/trail-setup.ts'
import { load, quantile } from './load.ts'
import { signedRequest } from './signed-request.ts'

const ROUNDS = 5
const REQUESTS_ALONE = 1_500
const REQUESTS_TOGETHER = 8_000
const CONCURRENCY = 16

const startUpstream = (): Promise<{ child: ChildProcess; port: number }> =>
  new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, 'stub-upstream.ts'), {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    child.stdout?.once('data', (line: Buffer) => resolve({ child, port: Number(line.toString()) }))
  })

const startTrail = async (clew: ClewServer): Promise<void> => {
  const common = {
    endpoint: clew.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: clew.accessKeyId, secretAccessKey: clew.secretAccessKey },
  }
  const s3 = new S3Client({ ...common, forcePathStyle: true })
  const trails = new CloudTrailClient(common)
  await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'audit', Policy: bucketPolicy('audit') }))
  const trail = { Name: 'main', S3BucketName: 'audit', EnableLogFileValidation: true }
  await trails.send(new CreateTrailCommand(trail))
  await trails.send(new StartLoggingCommand({ Name: 'main' }))
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

interface Measured {
  readonly p50: number[]
  readonly p99: number[]
  readonly rate: number[]
}

const row = (name: string, measured: Measured, direct: Measured): string => {
  const added = (mine: number[], theirs: number[]) => (median(mine) - median(theirs)).toFixed(2)
  const cells = [
    name,
    `${median(measured.p50).toFixed(2)} / ${median(measured.p99).toFixed(2)}`,
    `${added(measured.p50, direct.p50)} / ${added(measured.p99, direct.p99)}`,
    median(measured.rate).toFixed(0),
    (median(measured.rate) / median(direct.rate)).toFixed(3),
  ]
  return `| ${cells.join(' | ')} |`
}

/** Milliseconds from starting the process to its readiness, each time on an empty folder. */
const timeStarts = async (): Promise<number[]> => {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const at = performance.now()
    const server = await startClew()
    times.push(performance.now() - at)
    await server.stop()
    removeFolder(server.data)
  }
  return times.sort((a, b) => a - b)
}

const report = (results: ReadonlyMap<string, Measured>, starts: readonly number[]): string => {
  const direct = results.get('direct') as Measured
  return `# Performance

Made by \`npm run bench\`; the load generator, the upstream and Clew's three processes share the cores.
Every figure is the median of ${ROUNDS} interleaved rounds of one run; compare the columns of one table.

Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}. ${new Date().toISOString().slice(0, 10)}.

## Calls through Clew, event history and one trail with validation running
JSON protocol, an upstream that answers at once. ${REQUESTS_ALONE} requests a round at concurrency 1, ${REQUESTS_TOGETHER} at
concurrency ${CONCURRENCY}. Reads: DynamoDB ListTables. Management writes: SQS CreateQueue (intent and event: two commits).

| | p50 / p99 ms at concurrency 1 | added by Clew, ms | calls/s at concurrency ${CONCURRENCY} | of direct |
|---|--:|--:|--:|--:|
${[...results].map(([name, measured]) => row(name, measured, direct)).join('\n')}

## Start
From starting the process to both ports taking requests, on an empty folder, ${ROUNDS} times: median ${median(starts).toFixed(0)} ms,
from ${Math.min(...starts).toFixed(0)} to ${Math.max(...starts).toFixed(0)} ms.
`
}

const starts = await timeStarts()
const upstream = await startUpstream()
const clew = await startClew({
  flags: ['--upstream', `http://127.0.0.1:${upstream.port}`, '--upstream', 's3=builtin'],
  environment: { CLEW_LOG_LEVEL: 'warn' },
})
try {
  await startTrail(clew)
  const port = Number(new URL(clew.endpoint).port)
  const request = (signingName: string, target: string, body: string) =>
    signedRequest({ host: `127.0.0.1:${port}`, signingName, target, body, ...clew })
  const read = await request('dynamodb', 'DynamoDB_20120810.ListTables', '{}')
  const write = await request('sqs', 'AmazonSQS.CreateQueue', '{"QueueName":"bench"}')
  const cases: [name: string, port: number, bytes: Buffer][] = [
    ['direct', upstream.port, read],
    ['reads', port, read],
    ['management writes', port, write],
  ]
  const results = new Map<string, Measured>(
    cases.map(([name]) => [name, { p50: [], p99: [], rate: [] }]),
  )
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, target, bytes] of cases) {
      const alone = await load(target, bytes, 1, REQUESTS_ALONE)
      const together = await load(target, bytes, CONCURRENCY, REQUESTS_TOGETHER)
      if (alone.failures + together.failures > 0) throw new Error(`${name}: calls failed`)
      if (round === 0) continue // warm-up
      results.get(name)?.p50.push(quantile(alone.latencies, 0.5))
      results.get(name)?.p99.push(quantile(alone.latencies, 0.99))
      results.get(name)?.rate.push(REQUESTS_TOGETHER / together.seconds)
    }
    console.error(`round ${round} of ${ROUNDS}`)
  }
  await clew.flush()
  const text = report(results, starts)
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'performance.md'), text)
  console.log(text)
} finally {
  await clew.stop()
  upstream.child.disconnect()
  removeFolder(clew.data)
}
