/** Upstreams that answer early, too much, or on connections that are gone; and what all that leaves. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import {
  headBytes,
  rawConnection,
  startGateway,
} from '../../src/capture/gateway/gateway.test-support.ts'
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

const MIB = 1024 * 1024
const TWO = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'

const start = async (
  t: TestContext,
  script: (connection: RawConnection, index: number) => unknown,
  limits: Partial<GatewayLimits> = {},
) => {
  const upstream = await startRawUpstream(t, script)
  return { upstream, ...(await startGateway(t, { upstream: () => upstream.url, limits })) }
}

/** Answers every head on the connection. */
const serving =
  (answer: string, requests = Number.POSITIVE_INFINITY) =>
  ({ socket }: RawConnection): void => {
    let left = requests
    socket.on('data', (part: Buffer) => {
      for (const _ of part.toString('latin1').matchAll(/^POST /gm)) {
        if (left-- > 0) socket.write(answer)
        // A kept-alive connection ends exactly when it is used again.
        else socket.resetAndDestroy()
      }
    })
  }

describe('an upstream that answers', () => {
  it('before it took the upload, with an error: the client gets the error', async (t) => {
    const body = '<Error><Code>EntityTooLarge</Code></Error>'
    const head = `HTTP/1.1 413 Too Large\r\ncontent-type: application/xml\r\ncontent-length: ${body.length}\r\n\r\n`
    for (const end of ['stays', 'closes'] as const) {
      const gateway = await start(t, answering(head + body, end))
      const { status, record, text } = await callOnce(t, gateway, UPLOAD, Buffer.alloc(8 * MIB))
      assert.equal(status, 413, text)
      assert.match(text, /EntityTooLarge/)
      assert.deepEqual([record.status, record.response], [413, body])
    }
  })

  it('before it took the upload, with success, and goes: that is no success', async (t) => {
    const gateway = await start(t, async ({ socket, until }) => {
      await until(/\r\n\r\n/)
      socket.write(TWO, () => setImmediate(() => socket.resetAndDestroy()))
    })
    const { status, record } = await callOnce(t, gateway, UPLOAD, Buffer.alloc(32 * MIB))
    assert.deepEqual([status, record.errorCode], [502, 'BadGateway'])
  })

  it('more than its length: the rest reaches nobody', async (t) => {
    const poison = 'HTTP/1.1 201 Created\r\ncontent-length: 6\r\n\r\npoison'
    for (const more of ['rest', poison]) {
      const gateway = await start(t, serving(TWO + more))
      for (let call = 0; call < 5; call++) {
        const { status, text } = await callOnce(t, gateway, WRITE)
        assert.equal(status, 200)
        assert.ok(text.endsWith('\r\n\r\n{}'), text)
      }
      assert.equal(gateway.upstream.connections.length, 5, 'such a connection is not kept')
    }
  })

  it('to 204 and HEAD with a body: it reaches nobody', async (t) => {
    const gateway = await start(
      t,
      answering('HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
    )
    const { status, text } = await callOnce(t, gateway, WRITE)
    assert.equal(status, 204)
    assert.ok(text.endsWith('\r\n\r\n'))
  })

  it('with an offer to upgrade is a plain answer', async (t) => {
    const gateway = await start(
      t,
      answering(
        'HTTP/1.1 200 OK\r\nconnection: Upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}',
      ),
    )
    const { status, text } = await callOnce(t, gateway, READ)
    assert.equal(status, 200)
    assert.doesNotMatch(text, /h2c/)
  })

  it('on a connection that is gone when it is used again: a read is sent anew, a write is not', async (t) => {
    const gateway = await start(t, serving(TWO, 1))
    assert.equal((await callOnce(t, gateway, READ)).status, 200)
    assert.equal((await callOnce(t, gateway, READ)).status, 200, 'over a new connection')
    assert.equal(gateway.upstream.connections.length, 2)
    assert.equal((await callOnce(t, gateway, READ)).status, 200)
    const heads = (): number =>
      gateway.upstream.connections
        .map(({ received }) => received().split('CreateTrail').length - 1)
        .reduce((sum, count) => sum + count, 0)
    const write = await callOnce(t, gateway, WRITE)
    assert.deepEqual([write.status, write.record.incomplete], [502, true])
    assert.equal((await callOnce(t, gateway, WRITE)).status, 200)
    assert.equal(heads(), 2, 'no write was sent twice')
    assertIntentsResolved(gateway.recorder)
  })

  it('slowly, byte by byte, is waited for as long as it goes on', async (t) => {
    const gateway = await start(
      t,
      async ({ socket, until }) => {
        await until(/\r\n\r\n/)
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n')
        let left = 40
        const timer = setInterval(() => {
          if (left-- > 0) socket.write('x')
          else clearInterval(timer)
        }, 2)
        socket.once('close', () => clearInterval(timer))
      },
      // Less than the whole takes, much more than a byte takes.
      { upstreamIdleMs: 500 },
    )
    const { status, text } = await callOnce(t, gateway, READ)
    assert.equal(status, 200)
    assert.ok(text.endsWith('x'.repeat(40)))
  })

  it('or not: neither connections nor timers are left behind', async (t) => {
    const scripts = [
      answering('nonsense'),
      answering('', 'closes'),
      answering('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', 'resets'),
      answering('HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      () => {},
    ]
    const gateway = await start(
      t,
      (connection, index) => scripts[index % scripts.length]?.(connection),
      { upstreamIdleMs: 30 },
    )
    const active = (kind: string): number =>
      process.getActiveResourcesInfo().filter((name) => name === kind).length
    const one = async (): Promise<void> => {
      const { socket, text } = await rawConnection(t, gateway.port)
      const lines = ['connection: close', 'content-length: 2']
      socket.write(Buffer.concat([await headBytes(gateway.port, WRITE, lines), Buffer.from('{}')]))
      assert.match(await text(), /^HTTP\/1\.1 50[24] /)
    }
    const round = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 40 }, one))
    }
    await round()
    const settle = async (): Promise<void> => {
      for (const { socket } of gateway.upstream.connections) {
        // The gateway must have ended every one of them.
        while (!socket.closed) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await settle()
    const before = { sockets: active('TCPSocketWrap'), timers: active('Timeout') }
    await round()
    await settle()
    assert.equal(active('TCPSocketWrap'), before.sockets)
    assert.ok(active('Timeout') <= before.timers, 'timers')
    assert.equal(gateway.recorder.events.length, 80)
    assertIntentsResolved(gateway.recorder)
  })

  it('a client that left: its write is seen to the end, its connection is let go', async (t) => {
    const arrived = Promise.withResolvers<RawConnection>()
    const gateway = await start(t, async (connection) => {
      await connection.until(/\r\n\r\n\{\}/)
      arrived.resolve(connection)
    })
    const { socket } = await rawConnection(t, gateway.port)
    socket.write(await headBytes(gateway.port, WRITE, ['content-length: 2']))
    socket.write('{}')
    const upstream = await arrived.promise
    socket.resetAndDestroy()
    upstream.socket.write(TWO)
    const [record] = await gateway.recorder.reach(1)
    assert.deepEqual([record?.status, record?.incomplete], [200, undefined])
    assertIntentsResolved(gateway.recorder)
  })
})
