/** Ten thousand connections that do nothing: everybody else is served as if they were not there. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { openWire } from '../../src/capture/gateway/gateway.test-support.ts'
import { openFilesMax } from '../../src/platform/open-files.ts'
import { residentBytes } from './resident-bytes.ts'
import { signedHead, startTarget, type Target } from './support.ts'

const CONNECTIONS = 10_000
/** Two processes open them; each has some files of its own. */
const PROCESSES = 2
const FILES_NEEDED = CONNECTIONS / PROCESSES + 1_000
const LIMIT = 4_096
const KIB = 1024

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: '/connection-bucket' })).status, 200)
})
after(() => target.stop())

const IDLE_CLIENTS = join(import.meta.dirname, 'idle-clients.ts')

/** Opens them, and resolves when all had their turn. */
const openIdle = async (t: TestContext, port: number, all: number): Promise<void> => {
  const count = String(all / PROCESSES)
  const clients: ChildProcess[] = []
  for (let index = 0; index < PROCESSES; index++) {
    clients.push(fork(IDLE_CLIENTS, [String(port), count]))
  }
  t.after(() => {
    for (const client of clients) if (client.connected) client.disconnect()
  })
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          client.once('message', () => resolve())
          client.once('exit', (code) => reject(new Error(`The idle clients ended with ${code}.`)))
        }),
    ),
  )
}

const metrics = async (): Promise<string> => {
  const token = readFileSync(join(target.server.data, 'admin.token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${target.server.console}/metrics`, { headers })
  assert.equal(response.status, 200)
  return response.text()
}

const gauge = (text: string, name: string): number =>
  Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0)

const files = openFilesMax()
const tooFewFiles =
  files !== undefined && files < FILES_NEEDED
    ? `NOT RUN: ${FILES_NEEDED} open files are needed, this system allows ${files} (ulimit -n).`
    : false

describe('idle connections', () => {
  it('ten thousand keep nobody from being answered', { skip: tooFewFiles }, async (t) => {
    const atFirst = residentBytes(target)
    const upload = await openWire(target.port)
    const put = { method: 'PUT', path: '/connection-bucket/slow', payload: 'UNSIGNED-PAYLOAD' }
    const { text } = signedHead(target.host, target.root, { ...put, contentLength: '3000000' })
    upload.socket.write(text)
    upload.socket.write(Buffer.alloc(1_500_000))
    await openIdle(t, target.port, CONNECTIONS)
    for (let call = 0; call < 10; call++) await target.stillAnswers('idle connections')
    upload.socket.write(Buffer.alloc(1_500_000))
    const answer = await upload.until(/\r\n\r\n/)
    assert.match(answer, /^HTTP\/1\.1 200 /, 'a call under way is never ended')
    const measured = await metrics()
    const open = gauge(measured, 'clew_connections_open')
    // They are all still there: nobody had to wait for them to go.
    assert.ok(open <= LIMIT && open > LIMIT / 2, `${open} connections are open`)
    const lost = gauge(measured, 'clew_connections_lost_total')
    assert.ok(lost >= (CONNECTIONS - LIMIT) / 2, `${lost} connections were closed`)
    const each = (residentBytes(target) - atFirst) / LIMIT
    assert.ok(each < 64 * KIB, `${each / KIB} KiB for each connection`)
    upload.socket.destroy()
  })

  it('a thousand to the console port keep nobody from being answered', async (t) => {
    await openIdle(t, Number(new URL(target.server.console).port), 1_000)
    assert.match(await metrics(), /^clew_connections_open/m)
    assert.equal((await fetch(`${target.server.console}/readyz`)).status, 200)
    await target.server.flush()
  })
})
