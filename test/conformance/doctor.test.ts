/** `clew doctor` against a real server, and without one, as people run it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  CloudTrailClient,
  CreateTrailCommand,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import {
  type ClewServer,
  cleanEnvironment,
  makeDataFolder,
  removeFolder,
  startClew,
} from './clew-server.ts'
import { run } from './run-command.ts'
import { bucketPolicy } from './trail-setup.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

interface Finding {
  readonly level: string
  readonly what: string
  readonly todo?: string
}

const doctor = (data: string, ...flags: string[]) =>
  run(process.execPath, ['--no-maglev', MAIN, 'doctor', '--data', data, ...flags], {
    env: cleanEnvironment(),
  })

const findingsOf = (output: string): Finding[] =>
  (JSON.parse(output) as { findings: Finding[] }[]).flatMap(({ findings }) => findings)

describe('doctor', () => {
  const data = makeDataFolder()
  let server: ClewServer
  before(async () => {
    server = await startClew({ data })
    const credentials = {
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
    }
    const options = { endpoint: server.endpoint, region: 'us-east-1', credentials }
    const s3 = new S3Client({ ...options, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: 'audit' }))
    const policy = (text: string) => new PutBucketPolicyCommand({ Bucket: 'audit', Policy: text })
    await s3.send(policy(bucketPolicy('audit')))
    const trails = new CloudTrailClient(options)
    await trails.send(new CreateTrailCommand({ Name: 'main', S3BucketName: 'audit' }))
    await trails.send(new StartLoggingCommand({ Name: 'main' }))
    await server.flush()
  })
  after(async () => {
    await server.stop()
    removeFolder(data)
  })

  it('finds nothing wrong with a server that runs, and says what it looked at', async () => {
    const { code, stdout } = await doctor(data, '--json')
    const findings = findingsOf(stdout)
    assert.deepEqual(
      findings.filter(({ level }) => level === 'fail'),
      [],
    )
    assert.equal(code, 0)
    const said = findings.map(({ what }) => what).join('\n')
    assert.match(said, /master\.key opens what is sealed/)
    assert.match(said, new RegExp(`a server runs on this folder: ${server.endpoint}`))
    assert.match(said, /trail main .*: CloudTrail may deliver for 123456789012/)
    assert.ok(findings.every(({ level, todo }) => !['warn', 'fail'].includes(level) || todo))
  })

  it('exits 1 when a delivery cannot work, 2 when it is used wrongly', async () => {
    const { code, stdout } = await doctor(data, '--upstream', 'http://127.0.0.1:1')
    assert.equal(code, 1)
    assert.match(stdout, /^upstreams\n {2}fail {2}upstream all \(http:\/\/127\.0\.0\.1:1\) does/m)
    assert.ok(!stdout.includes('\u001b'))
    assert.equal((await doctor(data, '--upstream', 'nonsense')).code, 2)
    assert.equal((await doctor(data, '--no-such-flag')).code, 2)
  })
})
