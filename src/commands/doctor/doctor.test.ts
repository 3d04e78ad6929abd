import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Config, readConfig } from '../../config.ts'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import { openIdentities } from '../../identity/identities.ts'
import { openFileObjectStore } from '../../outlets/file-system/file-object-store.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { openDataFolder, pathsOf, readMasterKey } from '../../supervisor/data-folder.ts'
import type { Trail } from '../../trails/trail.ts'
import { type TrailStatus, trailStatusKey } from '../../trails/trail-status.ts'
import type { DoctorContext, Finding } from './finding.ts'
import { checkFolder } from './folder.ts'
import { checkPorts, checkServer, holderOf, readServerFile } from './ports.ts'
import { examine, reportText } from './report.ts'
import { checkTrails, judgeStatus } from './trails.ts'
import { checkUpstreams, judgeSkew } from './upstreams.ts'

const ACCOUNT = '123456789012'
const ROOTS = { proc: '/proc', sys: '/sys' }

const contextOf = (settings: Readonly<Record<string, unknown>>): DoctorContext => ({
  config: readConfig(new Map(Object.entries(settings)), {}),
  clock: systemClock,
  roots: ROOTS,
})

/** The path of a folder that is not there yet. */
const dataPath = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-doctor-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data')
}

const documentsOf = (config: Config) =>
  openSqliteDocuments(pathsOf(config.data).documents, { clock: systemClock, logger: silentLogger })

/** A folder as a server leaves it: secrets, format, and a root key that is sealed. */
const madeFolder = async (t: TestContext): Promise<DoctorContext> => {
  const context = contextOf({ data: dataPath(t) })
  const { config } = context
  ;(await openDataFolder(config))[Symbol.dispose]()
  const documents = await documentsOf(config)
  const logger = silentLogger
  const options = { documents, master: readMasterKey(config), clock: systemClock, logger }
  const identities = await openIdentities(options)
  await identities.ensureRootKey(ACCOUNT)
  await identities.close()
  await documents.close()
  return context
}

const me = process.getuid?.()
const problems = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== 'ok').map(({ level, what }) => `${level} ${what}`)

const listening = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('doctor: data folder', () => {
  it('is content with what a server made, and opens a sealed document', async (t) => {
    const context = await madeFolder(t)
    const findings = await checkFolder(context, me)
    assert.deepEqual(problems(findings), [])
    assert.equal(findings.at(-1)?.what, 'master.key opens what is sealed in this folder')
  })

  it('finds wrong modes, owners, places, formats', async (t) => {
    const context = await madeFolder(t)
    const { data } = context.config
    const paths = pathsOf(data)
    chmodSync(data, 0o755)
    chmodSync(paths.adminToken, 0o644)
    writeFileSync(paths.format, '{"clew":9}')
    mkdirSync(join(data, '.stfolder'))
    const [open, synced, token, format, ...rest] = problems(await checkFolder(context, me))
    assert.match(open ?? '', /^fail .*open to everybody \(mode 0755\)/)
    assert.match(synced ?? '', /^fail .*copied to other machines \(\.stfolder\)/)
    assert.match(token ?? '', /^fail .*admin\.token can be read by others \(mode 0644\)/)
    assert.match(format ?? '', /^fail .*says format 9/)
    assert.deepEqual(rest, [])
    chmodSync(data, 0o750)
    const found = problems(await checkFolder(context, (me ?? 0) + 1))
    assert.match(found[0] ?? '', /^warn .*belongs to user/)
    assert.match(found[1] ?? '', /^warn .*open to its group/)
  })

  it('tells a master key of another folder, a damaged and a lost one', async (t) => {
    const context = await madeFolder(t)
    const { masterKey } = pathsOf(context.config.data)
    const judged = async () => problems(await checkFolder(context, me)).join()
    writeFileSync(masterKey, `${'ab'.repeat(32)}\n`)
    assert.match(await judged(), /^fail master\.key: The bytes do not open/)
    writeFileSync(masterKey, 'abc')
    assert.match(await judged(), /^fail master\.key: .*64 hex digits/)
    rmSync(masterKey)
    assert.match(await judged(), /^fail master\.key: .*ENOENT/)
  })

  it('does not blame the key where the documents are damaged', async (t) => {
    const context = await madeFolder(t)
    const { documents } = pathsOf(context.config.data)
    writeFileSync(documents, 'no database at all')
    const [found] = (await checkFolder(context, me)).filter(({ level }) => level !== 'ok')
    assert.equal(found?.what, `${documents} cannot be read: file is not a database`)
    assert.match(found?.todo ?? '', /clew fsck/)
  })

  it('says what serve would do where there is no folder, and makes none', async (t) => {
    const data = dataPath(t)
    const [absent] = await checkFolder(contextOf({ data }), me)
    assert.match(absent?.what ?? '', /the first `serve` makes it/)
    writeFileSync(data, '')
    assert.match(problems(await checkFolder(contextOf({ data }), me))[0] ?? '', /is no folder/)
    rmSync(data)
    const groups = await examine(contextOf({ data, listen: '127.0.0.1:0', console: '127.0.0.1:0' }))
    assert.deepEqual(readdirSync(join(data, '..')), [])
    assert.equal(
      groups.flatMap(({ findings }) => findings).some(({ level }) => level === 'fail'),
      false,
    )
  })
})

describe('doctor: ports and server', () => {
  it('names who holds a port', async (t) => {
    const port = await listening(t, createServer())
    const findings = await checkPorts(
      contextOf({ listen: `127.0.0.1:${port}`, console: '127.0.0.1:0' }),
    )
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['fail', 'ok'],
    )
    assert.match(findings[0]?.what ?? '', /--listen.*in use by another program/)
    assert.equal(holderOf(1, ROOTS), undefined)
    if (process.platform !== 'linux') return
    assert.match(findings[0]?.what ?? '', new RegExp(`held by .*\\(pid ${process.pid}\\)`))
  })

  it('asks the folder’s own server, and knows one that was killed', async (t) => {
    let status = 200
    const console = createHttpServer((request, response) => {
      response.writeHead(request.url === '/livez' ? 200 : status).end()
    })
    const port = await listening(t, console)
    const server = { endpoint: 'http://127.0.0.1:1', console: `http://127.0.0.1:${port}`, pid: 1 }
    const judged = async (found = server) => {
      const { running, findings } = await checkServer(found)
      return [running, ...findings.map(({ level }) => level)]
    }
    assert.deepEqual(await judged(), [true, 'ok'])
    status = 503
    assert.deepEqual(await judged(), [true, 'warn'])
    const silent = { ...server, console: 'http://127.0.0.1:1' }
    assert.deepEqual(await judged({ ...silent, pid: process.pid }), [true, 'fail'])
    // Linux's highest process id is 2^22.
    assert.deepEqual(await judged({ ...silent, pid: 2 ** 22 + 1 }), [false, 'ok'])
    assert.equal(readServerFile(dataPath(t)), undefined)
  })
})

describe('doctor: upstreams', () => {
  const upstreamOf = async (t: TestContext, status: number, date: string | undefined) => {
    const server = createHttpServer((_request, response) => {
      response.sendDate = false
      response.writeHead(status, date === undefined ? {} : { date }).end()
    })
    return `http://127.0.0.1:${await listening(t, server)}`
  }
  const judged = async (...upstream: string[]) =>
    (await checkUpstreams(contextOf({ upstream }))).map(({ level }) => level)

  it('asks each one and compares its Date', async (t) => {
    const good = await upstreamOf(t, 403, new Date().toUTCString())
    const slow = new Date(Date.now() - 600_000).toUTCString()
    const wrong = new Date(Date.now() + 3_600_000).toUTCString()
    assert.deepEqual(await judged(good, 's3=builtin'), ['ok', 'ok'])
    assert.deepEqual(await judged(`sqs=${await upstreamOf(t, 502, slow)}`), ['warn', 'warn'])
    const [, far] = await checkUpstreams(contextOf({ upstream: [await upstreamOf(t, 200, wrong)] }))
    assert.equal(far?.level, 'fail')
    assert.match(far?.what ?? '', /60 min behind that of upstream all: signatures are refused/)
    assert.deepEqual(await judged(await upstreamOf(t, 200, undefined)), ['ok', 'skip'])
    assert.deepEqual(await judged(), ['skip'])
  })

  it('tells one that refuses connections, and one that is no HTTP', async (t) => {
    const closed = createServer()
    const port = await listening(t, closed)
    await new Promise((resolve) => closed.close(resolve))
    assert.deepEqual(await judged(`http://127.0.0.1:${port}`), ['fail'])
    const other = await listening(
      t,
      createServer((socket) => socket.end('220 mail\r\n')),
    )
    assert.deepEqual(await judged(`http://127.0.0.1:${other}`), ['fail'])
  })

  it('allows the skew that a Date of whole seconds has', () => {
    assert.equal(judgeSkew('x', 900, 900_000).what, 'the clock agrees with that of upstream x')
    assert.match(judgeSkew('x', -61_000, 900_000).what, /61 s ahead of/)
  })
})

describe('doctor: trails', () => {
  const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/main`
  const trail = {
    ...{ name: 'main', arn, account: ACCOUNT, s3BucketName: 'audit', incarnation: 'first' },
    logFileValidationEnabled: true,
  } as Trail

  const policyFor = (account: string): string =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        ...['arn:aws:s3:::audit', `arn:aws:s3:::audit/AWSLogs/${account}/*`].map((Resource) => ({
          Effect: 'Allow',
          Principal: { Service: 'cloudtrail.amazonaws.com' },
          Action: ['s3:GetBucketAcl', 's3:PutObject'],
          Resource,
        })),
      ],
    })

  it('checks each bucket for each account, and shows how deliveries went', async (t) => {
    const context = await madeFolder(t)
    const { config } = context
    const paths = pathsOf(config.data)
    const judged = async () => problems(await checkTrails(context))
    assert.deepEqual(await judged(), [])
    const documents = await documentsOf(config)
    t.after(() => documents.close())
    await documents.put(`trails/${ACCOUNT}`, { trails: { [arn]: trail } }, 'any')
    assert.match((await judged()).join(), /^fail trail main .*There is no bucket audit/)

    const options = { master: readMasterKey(config), clock: systemClock, logger: silentLogger }
    const objects = await openFileObjectStore(paths.objects, options)
    const settings = { account: ACCOUNT, region: 'us-east-1', settings: {} }
    await objects.buckets.create({ name: 'audit', ...settings })
    const setPolicy = (policy: string) => objects.buckets.update('audit', () => ({ policy }))
    assert.match((await judged()).join(), /does not allow s3:GetBucketAcl/)
    await setPolicy(policyFor('*'))
    assert.deepEqual(await judged(), [])
    await setPolicy(policyFor(ACCOUNT))
    assert.deepEqual(await judged(), [])
    // An import brought another account, for which the policy says nothing.
    await documents.put(`delivery/chains/${arn}/us-east-1/999999999999`, {}, 'any')
    assert.match((await judged()).join(), /does not allow s3:PutObject/)
    await objects.close()

    await documents.remove(`delivery/chains/${arn}/us-east-1/999999999999`, 'any')
    const status: TrailStatus = { incarnation: 'first', latestDeliveryError: 'AccessDenied' }
    await documents.put(trailStatusKey('eu-west-1', arn), status, 'any')
    mkdirSync(join(paths.delivery, 'pending'), { recursive: true })
    writeFileSync(join(paths.delivery, 'pending', 'a.pending'), '')
    const [failed, pending, ...rest] = await judged()
    assert.match(failed ?? '', /^fail trail main: the last delivery failed with AccessDenied/)
    assert.match(pending ?? '', /^warn 1 log files wait/)
    assert.deepEqual(rest, [])
  })

  it('tells what was given up, and ignores what an earlier trail of the name left', () => {
    const lost = { files: 2, events: 30, digests: 1 }
    const [given] = judgeStatus(trail, [{ incarnation: 'first', lost }])
    assert.match(given?.what ?? '', /2 files \(30 events\) and 1 digests were given up/)
    assert.deepEqual(judgeStatus(trail, [{ incarnation: 'other', lost }]), [])
  })
})

describe('doctor: report', () => {
  it('has a line for each finding, with what to do about it', () => {
    const findings: Finding[] = [
      { level: 'ok', what: 'fine' },
      { level: 'fail', what: 'broken', todo: 'mend it' },
    ]
    assert.equal(
      reportText([{ name: 'group', findings }], (level, text) => `<${level}>${text}`),
      'group\n  <ok>ok    fine\n  <fail>fail  broken - mend it\n1 failed, 0 to look at\n',
    )
  })
})
