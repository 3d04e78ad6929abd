/**
 * Upstreams that break off or speak nonsense. The client gets an error of its protocol, or a broken
 * connection where its answer had begun; never a success that is none. The call is recorded once.
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startGateway } from '../../src/capture/gateway/gateway.test-support.ts'
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

type Script = (connection: RawConnection) => unknown

const OK = 'HTTP/1.1 200 OK\r\n'

/** Before a byte of an answer could be passed on. */
const BEFORE: Readonly<Record<string, Script>> = {
  'reset after the request': async ({ socket, until }) => {
    await until(/\r\n\r\n\{\}/)
    socket.resetAndDestroy()
  },
  'end without an answer': answering('', 'closes'),
  'reset in the head': answering('HTTP/1.1 200 OK\r\ncontent-le', 'resets'),
  'end in the head': answering('HTTP/1.1 200 OK\r\ncontent-le', 'closes'),
  garbage: answering('\x16\x03\x01\x02\x00\x01'),
  'HTTP/0.9': answering('hello there\n', 'closes'),
  'bare line feeds': answering('HTTP/1.1 200 OK\ncontent-length: 2\n\n{}'),
  'a NUL in a header': answering(`${OK}x-a: b\0c\r\ncontent-length: 2\r\n\r\n{}`),
  'a folded header': answering(`${OK}x-a: b\r\n c\r\ncontent-length: 2\r\n\r\n{}`),
  'a head of 100 KB': answering(`${OK}x-a: ${'a'.repeat(100_000)}\r\n\r\n`),
  'two lengths': answering(`${OK}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`),
  'a length and chunks': answering(
    `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  ),
  'a negative length': answering(`${OK}content-length: -2\r\n\r\n{}`),
  'another coding': answering(`${OK}transfer-encoding: gzip\r\n\r\n{}`, 'closes'),
  'status 000': answering('HTTP/1.1 000 OK\r\ncontent-length: 2\r\n\r\n{}'),
  'status 999': answering('HTTP/1.1 999 OK\r\ncontent-length: 2\r\n\r\n{}'),
  'another protocol': answering(
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  ),
  'interim answers without end': answering('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(200)),
  'less than its length': answering(`${OK}content-length: 100\r\n\r\n{}`, 'closes'),
  'reset in a body with a length': answering(`${OK}content-length: 100\r\n\r\n{}`, 'resets'),
  'reset in a body without a length': answering(`${OK}\r\n{"half":`, 'resets'),
  'a bad chunk size': answering(
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`,
    'closes',
  ),
  'a negative chunk size': answering(
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n-1\r\n`,
    'closes',
  ),
  'no last chunk': answering(`${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`, 'closes'),
}

const LONG = 'x'.repeat(300_000)

/** Behind a beginning that the client has seen already. */
const AFTER: Readonly<Record<string, Script>> = {
  'less than its length': answering(`${OK}content-length: 900000\r\n\r\n${LONG}`, 'closes'),
  'reset in a body with a length': answering(
    `${OK}content-length: 900000\r\n\r\n${LONG}`,
    'resets',
  ),
  'reset in a body without a length': answering(`${OK}\r\n${LONG}`, 'resets'),
  'a bad chunk size': answering(
    `${OK}transfer-encoding: chunked\r\n\r\n493e0\r\n${LONG}\r\nzz\r\n`,
    'closes',
  ),
  'no last chunk': answering(
    `${OK}transfer-encoding: chunked\r\n\r\n493e0\r\n${LONG}\r\n`,
    'closes',
  ),
}

const start = async (t: TestContext, script: Script) => {
  const upstream = await startRawUpstream(t, script)
  return { upstream, ...(await startGateway(t, { upstream: () => upstream.url })) }
}

describe('an upstream that breaks', () => {
  for (const [name, script] of Object.entries(BEFORE)) {
    it(`${name}: 502, recorded once`, async (t) => {
      const gateway = await start(t, script)
      const read = await callOnce(t, gateway, READ)
      assert.deepEqual([read.status, read.record.errorCode], [502, 'BadGateway'], read.text)
      assert.match(read.text, /x-amzn-errortype: BadGateway/)
      assert.equal(read.record.incomplete, undefined)
      const write = await callOnce(t, gateway, WRITE)
      assert.deepEqual([write.status, write.record.errorCode], [502, 'BadGateway'])
      assert.equal(write.record.incomplete, true, 'nobody knows whether it was carried out')
      assert.equal(gateway.recorder.intents.length, 1)
      assertIntentsResolved(gateway.recorder)
    })
  }

  for (const [name, script] of Object.entries(AFTER)) {
    it(`${name}, in the middle of an answer: broken off, recorded once`, async (t) => {
      const gateway = await start(t, script)
      for (const call of [READ, WRITE]) {
        const { text, record } = await callOnce(t, gateway, call)
        assert.match(text, /^HTTP\/1\.1 200 /)
        assert.ok(!text.endsWith('\r\n0\r\n\r\n'), 'a truncated answer must not look whole')
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.POSITIVE_INFINITY)
        assert.ok(text.length < length)
        assert.deepEqual([record.incomplete, record.response], [true, undefined])
      }
      assertIntentsResolved(gateway.recorder)
    })
  }

  it('that nobody listens on: 503, and surely not carried out', async (t) => {
    const { upstream, ...gateway } = await start(t, () => {})
    await new Promise((resolve) => upstream.server.close(resolve))
    const { status, record } = await callOnce(t, gateway, WRITE)
    assert.deepEqual([status, record.errorCode], [503, 'ServiceUnavailable'])
    assert.equal(record.incomplete, undefined)
    assertIntentsResolved(gateway.recorder)
  })

  it('in the middle of an upload: 502, recorded once', async (t) => {
    const gateway = await start(t, async ({ socket, until }) => {
      await until(/\r\n\r\nx/)
      socket.resetAndDestroy()
    })
    const body = Buffer.alloc(8 * 1024 * 1024, 'x')
    const { status, record } = await callOnce(t, gateway, UPLOAD, body)
    assert.deepEqual([status, record.errorCode, record.incomplete], [502, 'BadGateway', true])
  })

  it('by a reset at once: an error, and it is known whether anything was sent', async (t) => {
    const gateway = await start(t, ({ socket }) => socket.resetAndDestroy())
    for (let round = 0; round < 10; round++) {
      const { status, record } = await callOnce(t, gateway, WRITE)
      // The reset comes before the connection is known to stand, or after.
      assert.ok(status === 502 || status === 503, String(status))
      assert.equal(record.incomplete, status === 502 ? true : undefined)
    }
    assertIntentsResolved(gateway.recorder)
  })

  it('in one call leaves the next ones alone', async (t) => {
    const upstream = await startRawUpstream(t, (connection, index) => {
      if (index === 0) return answering('nonsense')(connection)
      return connection.socket.on('data', (part: Buffer) => {
        for (const _ of part.toString('latin1').matchAll(/POST \/ /g)) {
          connection.socket.write(`${OK}content-length: 2\r\n\r\n{}`)
        }
      })
    })
    const gateway = await startGateway(t, { upstream: () => upstream.url })
    const statuses: number[] = []
    for (let call = 0; call < 6; call++) statuses.push((await callOnce(t, gateway, WRITE)).status)
    assert.deepEqual(statuses, [502, 200, 200, 200, 200, 200])
    assert.equal(upstream.connections.length, 2, 'a sound connection is kept')
    assertIntentsResolved(gateway.recorder)
  })
})
