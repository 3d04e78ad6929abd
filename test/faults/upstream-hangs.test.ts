/** Upstreams that fall silent, or trickle, in each phase of a call: an answer in bounded time. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startGateway } from '../../src/capture/gateway/gateway.test-support.ts'
import type { GatewayLimits } from '../../src/capture/gateway/gateway-options.ts'
import {
  answering,
  assertIntentsResolved,
  callOnce,
  type RawConnection,
  READ,
  startRawUpstream,
  UPLOAD,
  WRITE,
} from './raw-upstream.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const MIB = 1024 * 1024

const LIMITS: Partial<GatewayLimits> = {
  upstreamConnectMs: 60,
  upstreamQueueMs: 60,
  upstreamWriteMs: 60,
  upstreamIdleMs: 60,
  bodyIdleMs: 60,
  drainMs: 60,
}

const start = async (
  t: TestContext,
  script: (connection: RawConnection) => unknown,
  limits: Partial<GatewayLimits> = {},
  scheme = 'http',
) => {
  const upstream = await startRawUpstream(t, script)
  const url = new URL(upstream.url.href.replace('http', scheme))
  const gateway = await startGateway(t, {
    upstream: () => url,
    limits: { ...LIMITS, ...limits },
  })
  return { upstream, ...gateway }
}

/** Sends `bytes` one by one, as long as anybody takes them. */
const trickling =
  (bytes: string) =>
  async ({ socket, until }: RawConnection): Promise<void> => {
    await until(/\r\n\r\n/)
    let at = 0
    const timer = setInterval(() => socket.write(bytes[at++ % bytes.length] ?? ''), 5)
    socket.once('close', () => clearInterval(timer))
  }

const SILENT: Readonly<Record<string, (connection: RawConnection) => unknown>> = {
  'after accept': () => {},
  'in the head': answering('HTTP/1.1 200 OK\r\ncontent-le'),
  'in a head that never ends': async (connection) => {
    connection.socket.write(`${OK}x-a: `)
    await trickling('a')(connection)
  },
  'with interim answers': trickling('HTTP/1.1 102 Processing\r\n\r\n'),
  'in the body': answering(`${OK}content-length: 100\r\n\r\n{}`),
}

describe('an upstream that is silent', () => {
  for (const [name, script] of Object.entries(SILENT)) {
    it(`${name}: 504, recorded once`, async (t) => {
      const gateway = await start(t, script)
      for (const call of [READ, WRITE]) {
        const { status, record, text } = await callOnce(t, gateway, call)
        assert.deepEqual([status, record.errorCode], [504, 'GatewayTimeout'], text)
        assert.match(text, /x-amzn-errortype: GatewayTimeout/)
        assert.equal(record.incomplete, call === WRITE ? true : undefined)
      }
      assertIntentsResolved(gateway.recorder)
    })
  }

  it('in the middle of an answer: broken off, recorded once', async (t) => {
    const long = 'x'.repeat(300_000)
    const gateway = await start(t, answering(`${OK}content-length: 900000\r\n\r\n${long}`))
    const { text, record } = await callOnce(t, gateway, READ)
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.ok(text.length < 900_000)
    assert.equal(record.incomplete, true)
  })

  it('while it should take a held body: 504', async (t) => {
    const gateway = await start(t, ({ socket }) => socket.pause(), { upstreamIdleMs: 60_000 })
    const body = 'x'.repeat(16 * MIB)
    const { status, record } = await callOnce(t, gateway, { ...WRITE, body })
    assert.deepEqual([status, record.errorCode], [504, 'GatewayTimeout'])
    assert.equal(record.incomplete, true)
    assertIntentsResolved(gateway.recorder)
  })

  it('while it should take an upload: 504, and the client is not blamed', async (t) => {
    const gateway = await start(t, ({ socket }) => socket.pause(), { upstreamIdleMs: 60_000 })
    const { status, record } = await callOnce(t, gateway, UPLOAD, Buffer.alloc(32 * MIB))
    // While the refusal is read, or after its time: the client may see its connection end instead.
    assert.ok(status === 504 || status === 0, String(status))
    assert.equal(record.errorCode, 'GatewayTimeout')
  })

  it('in the TLS handshake: 503, and nothing was sent', async (t) => {
    const gateway = await start(t, () => {}, {}, 'https')
    const { status, record } = await callOnce(t, gateway, WRITE)
    assert.deepEqual([status, record.errorCode], [503, 'ServiceUnavailable'])
    assert.equal(record.incomplete, undefined)
    assertIntentsResolved(gateway.recorder)
  })

  it('with all its connections: the next call is told, and other upstreams are not disturbed', async (t) => {
    const silent = await startRawUpstream(t, () => {})
    const sound = await startRawUpstream(t, answering(`${OK}content-length: 2\r\n\r\n{}`))
    const gateway = await startGateway(t, {
      upstream: (name) => (name === 'sqs' ? sound.url : silent.url),
      limits: { ...LIMITS, upstreamSocketsMax: 2, upstreamIdleMs: 60_000, halfClosedMs: 10 },
    })
    const hanging = [callOnce(t, gateway, READ), callOnce(t, gateway, READ)]
    for (const call of hanging) call.catch(() => {})
    while (silent.connections.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const waiting = gateway.recorder.events.length
    assert.equal(waiting, 0)
    const other = await callOnce(t, gateway, { ...READ, service: 'sqs' })
    assert.equal(other.status, 200)
    const third = await callOnce(t, gateway, WRITE)
    assert.deepEqual([third.status, third.record.errorCode], [503, 'ServiceUnavailable'])
    assert.match(third.text, /too many requests are waiting/)
    assert.equal(third.record.incomplete, undefined)
    assert.equal(silent.connections.length, 2)
  })
})
