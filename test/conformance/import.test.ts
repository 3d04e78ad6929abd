/**
 * `clew import` beside a running server and without one: real events through a trail with validation,
 * every token compared, digests checked by the AWS CLI; recent ones looked up by it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  type ClewServer,
  cleanEnvironment,
  makeDataFolder,
  removeFolder,
  startClew,
} from './clew-server.ts'
import { aws, awsJson, type CommandResult, pythonMissing, run } from './run-command.ts'
import { ACCOUNT, bucketPolicy } from './trail-setup.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MAIN = join(ROOT, 'src', 'main.ts')
const DATA = join(ROOT, '..', 'shared', 'data')
const REAL = join(DATA, 'cloudtrail')
const SETS = [
  'invictus-ir_aws_dataset',
  'otrf-security-datasets',
  'panther-analysis',
  'plaso',
  'stratus-red-team',
]
const REAL_EVENTS = 3_511
const IMPORTED_ACCOUNT = '123837392027'
const BUCKET = 'imported-logs'

const noData = (t: TestContext): boolean => {
  if (existsSync(REAL)) return false
  t.skip('SKIPPED: the real events of the shared data folder are absent')
  return true
}

const realFiles = (): string[] => SETS.map((set) => join(REAL, set, 'events.ndjson.gz'))

interface RealEvent {
  readonly text: string
  readonly account: string
  readonly region: string
}

/** What must arrive: lines with an eventID and a 12-digit account. */
const realEvents = (): RealEvent[] =>
  realFiles()
    .flatMap((file) => gunzipSync(readFileSync(file)).toString().split('\n'))
    .filter((line) => line !== '')
    .flatMap((text) => {
      const { eventID, recipientAccountId, userIdentity, awsRegion } = JSON.parse(text)
      const account = recipientAccountId ?? userIdentity?.accountId
      const counts = typeof eventID === 'string' && /^\d{12}$/.test(account)
      return counts ? [{ text, account, region: awsRegion }] : []
    })

const clew = (data: string, ...args: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, ['--no-maglev', MAIN, ...args, '--data', data], { env: cleanEnvironment() })

const counted = ({ stdout, stderr }: CommandResult): Record<string, number> => {
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout)
}

/** Everything below a prefix of a bucket, by key, unpacked. */
const objectsBelow = async (server: ClewServer, folder: string): Promise<Map<string, Buffer>> => {
  await aws(server.environment, ['s3', 'sync', `s3://${BUCKET}`, folder, '--quiet'])
  const { globSync } = await import('node:fs')
  const keys = globSync('**/*.json.gz', { cwd: folder })
  return new Map(keys.map((key) => [key, gunzipSync(readFileSync(join(folder, key)))]))
}

const policyFor = (accounts: readonly string[]): string => {
  const policy = JSON.parse(bucketPolicy(BUCKET))
  const [, write] = policy.Statement
  for (const account of accounts) {
    policy.Statement.push({
      ...write,
      Sid: `Import${account}`,
      Resource: `arn:aws:s3:::${BUCKET}/AWSLogs/${account}/*`,
    })
  }
  return JSON.stringify(policy)
}

const makeTrail = async (server: ClewServer): Promise<void> => {
  const env = server.environment
  await aws(env, ['s3api', 'create-bucket', '--bucket', BUCKET])
  const policy = [
    's3api',
    'put-bucket-policy',
    '--bucket',
    BUCKET,
    '--policy',
    bucketPolicy(BUCKET),
  ]
  await aws(env, policy)
  const trail = ['cloudtrail', 'create-trail', '--name', 'imports', '--s3-bucket-name', BUCKET]
  await aws(env, [...trail, '--is-multi-region-trail', '--enable-log-file-validation'])
  const all = [
    { FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
    ...['AWS::S3::Object', 'AWS::Lambda::Function', 'AWS::DynamoDB::Table'].map((type) => ({
      FieldSelectors: [
        { Field: 'eventCategory', Equals: ['Data'] },
        { Field: 'resources.type', Equals: [type] },
      ],
    })),
  ]
  const selectors = ['cloudtrail', 'put-event-selectors', '--trail-name', 'imports']
  await aws(env, [...selectors, '--advanced-event-selectors', JSON.stringify(all)])
  await aws(env, ['cloudtrail', 'start-logging', '--name', 'imports'])
}

describe('clew import', { skip: pythonMissing, timeout: 300_000 }, () => {
  let server: ClewServer
  let work: string
  before(async () => {
    server = await startClew()
    work = makeDataFolder()
    await makeTrail(server)
  })
  after(async () => {
    await server.stop()
    removeFolder(server.data)
    removeFolder(work)
  })

  it('says which statement is missing, and does nothing', async (t) => {
    if (noData(t)) return
    const args = ['import', ...realFiles(), '--deliver', 'imports']
    const { code, stdout, stderr } = await clew(server.data, ...args)
    assert.equal(code, 2, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(IMPORTED_ACCOUNT))
    const statement = JSON.parse(stderr.slice(stderr.indexOf('{'), stderr.lastIndexOf('}') + 1))
    // The statement is complete: with it the check passes for every account.
    const policy = JSON.parse(bucketPolicy(BUCKET))
    policy.Statement.push(statement)
    const put = ['s3api', 'put-bucket-policy', '--bucket', BUCKET, '--policy']
    await aws(server.environment, [...put, JSON.stringify(policy)])
  })

  it('delivers real events: every token is the same, and validate-logs agrees', async (t) => {
    if (noData(t)) return
    const wanted = realEvents()
    assert.equal(wanted.length, REAL_EVENTS)
    const accounts = [...new Set(wanted.map(({ account }) => account))]
    const put = ['s3api', 'put-bucket-policy', '--bucket', BUCKET, '--policy']
    await aws(server.environment, [...put, policyFor(accounts)])
    const args = ['import', ...realFiles(), '--deliver', 'imports', '--json']
    const result = await clew(server.data, ...args)
    assert.equal(result.code, 1, result.stderr) // 27 of them have no eventID
    const { imported, skipped, tooOld } = counted(result)
    assert.deepEqual([imported, skipped, tooOld], [REAL_EVENTS, 27, REAL_EVENTS])

    const folder = join(work, 'bucket')
    const logs = [...(await objectsBelow(server, folder))].filter(
      ([key]) => !key.includes('Digest'),
    )
    const left = new Map<string, number>()
    for (const { text, account, region } of wanted) {
      const place = `${account}/${region}/${text}`
      left.set(place, (left.get(place) ?? 0) + 1)
    }
    let delivered = 0
    for (const [key, content] of logs) {
      const [, account, , region] = key.split('/')
      if (account === ACCOUNT && !content.includes('"eventID"')) continue
      for (const text of recordsOf(content)) {
        const place = `${account}/${region}/${text}`
        const count = left.get(place)
        if (count === undefined) {
          // Clew's own calls, which the trail delivers too.
          assert.equal(account, ACCOUNT, `${key} holds an event that nobody wrote: ${text}`)
          continue
        }
        assert.ok(count > 0, `${key} repeats an event: ${text}`)
        left.set(place, count - 1)
        delivered++
      }
    }
    const missing = [...left].filter(([, count]) => count > 0)
    // What the selectors leave out is a data event of another type than those chosen.
    for (const [place] of missing)
      assert.match(place, /"eventCategory":\s*"Data"|"managementEvent":\s*false/)
    assert.equal(delivered + missing.reduce((sum, [, count]) => sum + count, 0), REAL_EVENTS)
    assert.ok(delivered > 3_480, `${delivered} delivered`)

    const trail = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/imports`
    const validated = await aws(server.environment, [
      ...['cloudtrail', 'validate-logs', '--trail-arn', trail, '--region', 'us-east-1'],
      ...['--account-id', IMPORTED_ACCOUNT, '--start-time', '2026-01-01T00:00:00Z', '--verbose'],
    ])
    assert.match(validated.stdout, /2\/2 digest files valid/)
    const inAccount = logs.filter(
      ([key]) => key.includes(`/${IMPORTED_ACCOUNT}/`) && key.includes('/us-east-1/'),
    )
    assert.match(
      validated.stdout,
      new RegExp(`${inAccount.length}/${inAccount.length} log files valid`),
    )
    assert.ok(!/INVALID/i.test(validated.stdout), validated.stdout)
  })

  it('delivers nothing twice when the same folder is imported again', async (t) => {
    if (noData(t)) return
    const before = await aws(server.environment, ['s3', 'ls', `s3://${BUCKET}`, '--recursive'])
    const copies = join(work, 'copies')
    mkdirSync(copies)
    for (const [index, file] of realFiles().entries()) {
      writeFileSync(join(copies, `${index}.json`), gunzipSync(readFileSync(file)))
    }
    const args = ['import', copies, '--deliver', 'imports', '--json']
    const { imported, repeats } = counted(await clew(server.data, ...args))
    assert.deepEqual([imported, repeats], [0, REAL_EVENTS])
    const after = await aws(server.environment, ['s3', 'ls', `s3://${BUCKET}`, '--recursive'])
    const foreign = (text: string): string[] =>
      text.split('\n').filter((line) => line.includes(`AWSLogs/${IMPORTED_ACCOUNT}/`))
    assert.deepEqual(foreign(after.stdout), foreign(before.stdout))
  })

  it('makes recent events visible to LookupEvents at once, from a folder and from s3://', async (t) => {
    const now = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)
    const line = (name: string): string =>
      `{"eventVersion":"1.08","userIdentity":{"type":"Root","accountId":"${ACCOUNT}"},"eventTime":"${now}Z","eventSource":"ec2.amazonaws.com","eventName":"${name}","awsRegion":"us-east-1","eventID":"${crypto.randomUUID()}","readOnly":false,"recipientAccountId":"${ACCOUNT}","eventCategory":"Management","odd":243.0}`
    const look = async (name: string): Promise<string[]> => {
      const args = ['--lookup-attributes', `AttributeKey=EventName,AttributeValue=${name}`]
      const { Events = [] } = (await awsJson(server.environment, [
        ...['cloudtrail', 'lookup-events', ...args],
      ])) as { Events?: { CloudTrailEvent: string }[] }
      return Events.map(({ CloudTrailEvent }) => CloudTrailEvent)
    }
    const local = join(work, 'recent.ndjson')
    const first = line('ImportedFromFile')
    writeFileSync(local, `${first}\n`)
    const result = await clew(server.data, 'import', local, '--json')
    assert.equal(result.code, 0, result.stderr)
    assert.deepEqual(await look('ImportedFromFile'), [first])

    const second = line('ImportedFromBucket')
    const object = join(work, 'object.json.gz')
    writeFileSync(object, gzipSync(`{"Records":[${second}]}`))
    await aws(server.environment, ['s3', 'mb', 's3://source-logs'])
    await aws(server.environment, ['s3', 'cp', object, 's3://source-logs/AWSLogs/a.json.gz'])
    const stored = await clew(server.data, 'import', 's3://source-logs/AWSLogs/', '--json')
    assert.equal(stored.code, 0, stored.stderr)
    assert.deepEqual(await look('ImportedFromBucket'), [second])
    t.diagnostic(`rate ${counted(stored).eventsPerSecond} events/s`)
  })

  it('runs without a server, and goes on after kill -9 of all its processes', async (t) => {
    if (noData(t)) return
    const data = makeDataFolder()
    t.after(() => removeFolder(data))
    const synth = join(work, 'synth')
    mkdirSync(synth)
    const start = new Date(Date.now() - 20 * 86_400_000).toISOString().slice(0, 19)
    const end = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19)
    const made = await run('python3', [
      ...[join(DATA, 'synth.py'), '-n', '8000', '-o', synth, '--split', '8', '--quiet'],
      ...['--start', `${start}Z`, '--end', `${end}Z`],
    ])
    assert.equal(made.code, 0, made.stderr)
    // Killed as soon as something is in its index, with its whole group.
    const index = join(data, 'import', 'imports.sqlite')
    const child = spawn(process.execPath, ['--no-maglev', MAIN, 'import', synth, '--data', data], {
      detached: true,
      stdio: 'ignore',
      env: cleanEnvironment(),
    })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    while (child.exitCode === null && !hasBatch(index))
      await new Promise((done) => setImmediate(done))
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await gone
    const result = await clew(data, 'import', synth, '--json')
    assert.equal(result.code, 0, result.stderr)
    const third = counted(await clew(data, 'import', synth, '--json'))
    assert.equal(third.filesKnown, third.files)
    const { stdout } = await clew(data, 'events', '--format', 'json', '--limit', '1000000')
    const texts = stdout.split('\n').filter((line) => line !== '')
    assert.equal(new Set(texts).size, texts.length, 'an event is there twice')
    const { globSync } = await import('node:fs')
    const source = globSync('*', { cwd: synth }).flatMap((file) =>
      readFileSync(join(synth, file), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    )
    // Those that do not say it themselves are decided by the catalogue.
    const found = new Set(texts)
    const lost = source.filter((line) => isManagement(line) && !found.has(line))
    assert.equal(lost.length, 0, lost[0])
    const all = new Set(source)
    assert.equal(texts.filter((text) => !all.has(text)).length, 0, 'a text was changed')
    rmSync(synth, { recursive: true })
  })
})

const isManagement = (line: string): boolean => JSON.parse(line).eventCategory === 'Management'

/** Has the index noted a batch? Its write-ahead log grows with the first. */
const hasBatch = (index: string): boolean => {
  const log = `${index}-wal`
  return existsSync(log) && readFileSync(log).includes('"version":')
}

/** The texts of a log file's records, cut by hand: one-line records between `[` and `]`. */
const recordsOf = (content: Buffer): string[] => {
  const text = content.toString()
  const { Records } = JSON.parse(text) as { Records: unknown[] }
  const cut: string[] = []
  let at = '{"Records":['.length
  for (const _ of Records) {
    let depth = 0
    let inString = false
    const start = at
    do {
      const char = text[at++]
      if (inString) {
        if (char === '\\') at++
        else if (char === '"') inString = false
      } else if (char === '"') inString = true
      else if (char === '{' || char === '[') depth++
      else if (char === '}' || char === ']') depth--
    } while (depth > 0)
    cut.push(text.slice(start, at))
    at++
  }
  return cut
}
