/**
 * The issue's own story with the AWS CLI alone: bucket, policy, trail, logging, copies, flush,
 * look-ups by every attribute, log files, validate-logs; then one flipped byte.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type ClewServer, removeFolder, startClew } from './clew-server.ts'
import { aws, pythonMissing } from './run-command.ts'
import { ACCOUNT, bucketPolicy } from './trail-setup.ts'

const MULTIPART_BYTES = 20 * 1024 * 1024

describe('the AWS CLI', { skip: pythonMissing }, () => {
  let clew: ClewServer
  let folder: string
  const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`
  const json = async (...args: string[]) =>
    JSON.parse((await aws(clew.environment, [...args, '--output', 'json'])).stdout)
  const validate = () =>
    aws(
      clew.environment,
      [
        'cloudtrail',
        'validate-logs',
        '--trail-arn',
        arn,
        '--start-time',
        '2020-01-01',
        '--verbose',
      ],
      'any',
    )

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'clew-cli-'))
    clew = await startClew()
  })
  after(async () => {
    await clew.stop()
    removeFolder(clew.data)
    removeFolder(folder)
  })

  it('makes a bucket, its policy and a trail, and starts logging', async () => {
    const { environment } = clew
    await aws(environment, ['s3', 'mb', 's3://audit'])
    writeFileSync(join(folder, 'policy.json'), bucketPolicy('audit'))
    const policy = ['--bucket', 'audit', '--policy', `file://${join(folder, 'policy.json')}`]
    await aws(environment, ['s3api', 'put-bucket-policy', ...policy])
    const trail = await json(
      ...['cloudtrail', 'create-trail', '--name', 'main', '--s3-bucket-name', 'audit'],
      '--enable-log-file-validation',
    )
    assert.equal(trail.TrailARN, arn)
    assert.equal(trail.LogFileValidationEnabled, true)
    await aws(environment, ['cloudtrail', 'start-logging', '--name', 'main'])
    assert.equal((await json('cloudtrail', 'get-trail-status', '--name', 'main')).IsLogging, true)
  })

  it('copies files up and down, 20 MB in parts', async () => {
    const { environment } = clew
    const content = randomBytes(MULTIPART_BYTES)
    writeFileSync(join(folder, 'large.bin'), content)
    await aws(environment, ['s3', 'mb', 's3://files'])
    await aws(environment, ['s3', 'cp', join(folder, 'large.bin'), 's3://files/large.bin'])
    await aws(environment, ['s3', 'cp', 's3://files/large.bin', join(folder, 'back.bin')])
    assert.ok(readFileSync(join(folder, 'back.bin')).equals(content))
  })

  it('finds the calls by every attribute', async () => {
    await clew.flush()
    const all = await json('cloudtrail', 'lookup-events')
    const created = all.Events.find(
      (event: { EventName: string }) => event.EventName === 'CreateTrail',
    )
    assert.ok(created, 'CreateTrail is in the history')
    const record = JSON.parse(created.CloudTrailEvent)
    assert.equal(record.userIdentity.type, 'Root')
    const attributes: [string, string][] = [
      ['EventId', created.EventId],
      ['EventName', 'CreateTrail'],
      ['ReadOnly', 'false'],
      ['Username', 'root'],
      ['EventSource', 'cloudtrail.amazonaws.com'],
      ['AccessKeyId', clew.accessKeyId],
      ['ResourceName', 'main'],
      ['ResourceType', 'AWS::CloudTrail::Trail'],
    ]
    for (const [key, value] of attributes) {
      const attribute = `AttributeKey=${key},AttributeValue=${value}`
      const found = await json('cloudtrail', 'lookup-events', '--lookup-attributes', attribute)
      const ids = found.Events.map((event: { EventId: string }) => event.EventId)
      assert.ok(ids.includes(created.EventId), `by ${key}`)
    }
  })

  it('delivers log files that validate-logs calls valid', async () => {
    await aws(clew.environment, ['s3', 'cp', '--recursive', 's3://audit', join(folder, 'logs')])
    const logs = readdirSync(join(folder, 'logs'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.includes('_CloudTrail_us-east-1_') && file.endsWith('.json.gz'),
    )
    assert.ok(logs.length > 0)
    const names = logs.flatMap((file) =>
      JSON.parse(gunzipSync(readFileSync(join(folder, 'logs', file))).toString()).Records.map(
        (record: { eventName: string }) => record.eventName,
      ),
    )
    assert.ok(names.includes('CreateBucket'))
    const result = await validate()
    assert.equal(result.code, 0, result.stdout + result.stderr)
    assert.match(result.stdout, /(\d+)\/\1 digest files valid/)
    assert.match(result.stdout, /(\d+)\/\1 log files valid/)
  })

  it('finds one flipped byte', async () => {
    // A file that a digest lists already: the bucket may hold newer ones, whose window is still open.
    const sound = (await validate()).stdout
    const key = /Log file\ts3:\/\/audit\/(\S+)\tvalid/.exec(sound)?.[1]
    assert.ok(key, sound)
    const file = join(folder, 'tampered.gz')
    await aws(clew.environment, ['s3', 'cp', `s3://audit/${key}`, file])
    const bytes = readFileSync(file)
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    writeFileSync(file, bytes)
    await aws(clew.environment, [
      's3',
      'cp',
      file,
      `s3://audit/${key}`,
      '--content-encoding',
      'gzip',
    ])
    const result = await validate()
    assert.equal(result.code, 1, result.stdout + result.stderr)
  })
})
