/** Ten services of moto behind Clew, S3 built in: answers as without Clew, every call recorded. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ClewServer, removeFolder, startClew, VENV } from './clew-server.ts'
import { type MotoServer, startMoto } from './moto-server.ts'
import { pythonMissing, run } from './run-command.ts'

const SERVICES = [
  'iam',
  'ec2',
  'dynamodb',
  'sqs',
  'sns',
  'kms',
  'lambda',
  'secretsmanager',
  'cloudformation',
  'states',
]

interface EventRecord {
  readonly eventSource: string
  readonly eventName: string
  readonly errorCode?: string
  readonly userIdentity: {
    readonly type: string
    readonly userName?: string
    readonly accessKeyId?: string
    readonly arn?: string
    readonly sessionContext?: { readonly sessionIssuer?: { readonly arn?: string } }
  }
}

describe('moto behind Clew', { skip: pythonMissing }, () => {
  let clew: ClewServer
  let moto: MotoServer
  let used: { secrets: string[]; alice: string; session: string; role: string }
  let text: string
  let records: EventRecord[]

  before(async () => {
    moto = await startMoto()
    clew = await startClew({ flags: ['--upstream', moto.url, '--upstream', 's3=builtin'] })
    const script = join(import.meta.dirname, 'moto_services.py')
    const result = await run(join(VENV, 'python'), [script], { env: clew.environment })
    assert.equal(result.code, 0, result.stderr)
    used = JSON.parse(result.stdout)
    const tail = await run(process.execPath, [
      ...['--no-maglev', 'src/main.ts', 'tail', '--data', clew.data],
      ...['--since', '1h', '--no-follow', '--json'],
    ])
    assert.equal(tail.code, 0, tail.stderr)
    text = tail.stdout
    records = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  })
  after(async () => {
    await clew.stop()
    await moto.stop()
    removeFolder(clew.data)
  })

  for (const service of SERVICES) {
    it(`records the calls to ${service} with their caller`, () => {
      const calls = records.filter((record) => record.eventSource === `${service}.amazonaws.com`)
      assert.ok(calls.length > 0)
      const types = new Set(calls.map((record) => record.userIdentity.type))
      assert.deepEqual([...types], service === 'iam' ? ['Root'] : ['AssumedRole'])
    })
  }

  it('names the user whose key IAM made upstream, and the session of the role', () => {
    const assume = records.find((record) => record.eventName === 'AssumeRole')
    assert.equal(assume?.userIdentity.type, 'IAMUser')
    assert.equal(assume?.userIdentity.userName, 'alice')
    assert.equal(assume?.userIdentity.accessKeyId, used.alice)
    const put = records.find((record) => record.eventName === 'CreateVpc')
    assert.equal(put?.userIdentity.accessKeyId, used.session)
    assert.match(put?.userIdentity.arn ?? '', /:assumed-role\/runner\/build-42$/)
    assert.equal(put?.userIdentity.sessionContext?.sessionIssuer?.arn, used.role)
  })

  it('records an error as an error', () => {
    const failed = records.find((record) => record.eventName === 'GetUser')
    assert.equal(failed?.errorCode, 'NoSuchEntityException')
  })

  it('has no secret in any record', () => {
    for (const secret of used.secrets) {
      assert.ok(!text.includes(secret), `a secret that begins with ${secret.slice(0, 6)} leaked`)
      const encoded = Buffer.from(secret).toString('base64').replace(/=+$/, '')
      assert.ok(!text.includes(encoded), `… in base64: ${secret.slice(0, 6)}`)
    }
  })
})
