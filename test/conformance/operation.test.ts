/** Starting, stopping, supervising, and what the commands say when something is wrong. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  type ClewServer,
  cleanEnvironment,
  makeDataFolder,
  removeFolder,
  startClew,
} from './clew-server.ts'
import { run } from './run-command.ts'

const clew = (...args: string[]) =>
  run(process.execPath, ['--no-maglev', 'src/main.ts', ...args], { env: cleanEnvironment() })

/** The process of a role, found by its parent (the supervisor) and its arguments. */
const processOf = (role: string, supervisor: number): number => {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(join('/proc', entry, 'stat'), 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      const args = readFileSync(join('/proc', entry, 'cmdline'), 'utf8').split('\0')
      if (parent === supervisor && args.includes(role)) return Number(entry)
    } catch {
      // the process ended while we looked at it
    }
  }
  throw new Error(`no ${role} process`)
}

const until = async <Value>(attempt: () => Promise<Value>, what: string): Promise<Value> => {
  const deadline = AbortSignal.timeout(20_000)
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (deadline.aborted) throw new Error(`${what} did not happen`, { cause: error })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('operation', () => {
  let server: ClewServer
  const call = () =>
    new STSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
    }).send(new GetCallerIdentityCommand({}))

  before(async () => {
    server = await startClew()
  })
  after(async () => {
    await server.stop()
    removeFolder(server.data)
  })

  it('keeps its secrets in files of mode 0600', () => {
    for (const file of ['master.key', 'admin.token', 'profile.env', 'documents.sqlite']) {
      assert.equal(statSync(join(server.data, file)).mode & 0o777, 0o600, file)
    }
  })

  it('answers health and metrics of both processes', async () => {
    assert.equal((await fetch(`${server.console}/livez`)).status, 200)
    assert.equal((await fetch(`${server.console}/readyz`)).status, 200)
    assert.equal((await fetch(`${server.console}/metrics`)).status, 401)
    const token = readFileSync(join(server.data, 'admin.token'), 'utf8').trim()
    await call()
    await until(async () => {
      const answer = await fetch(`${server.console}/metrics`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const text = await answer.text()
      assert.match(text, /operation="GetCallerIdentity"/)
      assert.match(text, /clew_consumer_lag_seconds\{[^}]*consumer="history"/)
    }, 'metrics of both processes')
  })

  it('refuses a second server on the same folder', async () => {
    const second = await clew('serve', '--data', server.data, '--listen', '127.0.0.1:0')
    assert.equal(second.code, 2)
    assert.match(second.stderr, /Another server uses this data folder/)
  })

  it('starts a killed front again, on the same port', async () => {
    const supervisor = JSON.parse(readFileSync(join(server.data, 'server.json'), 'utf8')).pid
    const front = processOf('front', supervisor)
    process.kill(front, 'SIGKILL')
    await until(async () => assert.notEqual(processOf('front', supervisor), front), 'a new front')
    await until(call, 'an answer of the new front')
  })

  it('starts a killed writer again, which goes on where it was', async () => {
    const supervisor = JSON.parse(readFileSync(join(server.data, 'server.json'), 'utf8')).pid
    const writer = processOf('writer', supervisor)
    process.kill(writer, 'SIGKILL')
    await call()
    await until(() => server.flush(), 'a flush of the new writer')
    const events = await clew('events', '--data', server.data, '--format', 'json')
    assert.match(events.stdout, /GetCallerIdentity/)
  })

  it('ends its processes with the supervisor', async () => {
    const data = makeDataFolder()
    const other = await startClew({ data })
    const supervisor = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')).pid
    const children = ['front', 'writer'].map((role) => processOf(role, supervisor))
    process.kill(supervisor, 'SIGKILL')
    await until(async () => {
      for (const child of children) assert.throws(() => readlinkSync(`/proc/${child}/exe`))
    }, 'the end of the children')
    await other.kill()
    removeFolder(data)
  })

  it('says what is wrong, where, and what to do', async () => {
    const cases: [string[], number, RegExp][] = [
      [['serve', '--regoin', 'x'], 2, /--regoin[\s\S]*--region/],
      [['serve', '--region', 'nowhere'], 2, /--region: "nowhere" is no region/],
      [['servee'], 2, /Did you mean serve/],
      [['flush', '--data', '/nonexistent'], 2, /No server runs on/],
      [['events', '--data', '/nonexistent'], 2, /clew serve/],
      [['serve', '--upstream', 'sqs=builtin'], 2, /built-in s3 and sts only/],
    ]
    for (const [args, code, message] of cases) {
      const result = await clew(...args)
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`)
      assert.match(result.stderr, message)
      assert.doesNotMatch(result.stderr, /\n\s+at /, 'no stack trace')
    }
  })

  it('stops gracefully with exit code 0', async () => {
    const data = makeDataFolder()
    const other = await startClew({ data })
    assert.equal(await other.stop(), 0)
    const again = await startClew({ data })
    assert.equal(again.accessKeyId, other.accessKeyId)
    assert.equal(await again.stop(), 0)
    removeFolder(data)
  })
})
