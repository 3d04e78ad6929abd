/** The console port: whoever has no token gets nothing, and odd requests break nothing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openWire } from '../../src/capture/gateway/gateway.test-support.ts'
import { startTarget, type Target } from './support.ts'

let target: Target
let port = 0
let token = ''
before(async () => {
  target = await startTarget()
  port = Number(new URL(target.server.console).port)
  token = readFileSync(join(target.server.data, 'admin.token'), 'utf8').trim()
})
after(() => target.stop())

/** The status and all bytes of an answer. */
const ask = async (line: string, headers: string[] = [], body = '') => {
  const wire = await openWire(port)
  const lines = [`${line} HTTP/1.1`, 'host: x', 'connection: close', ...headers, '', '']
  wire.socket.write(lines.join('\r\n') + body)
  const text = await wire.closed()
  return { status: Number(text.slice(9, 12)), text }
}

const stillAnswers = async (): Promise<void> => {
  assert.equal((await ask('GET /readyz')).status, 200)
  await target.stillAnswers('the admin port')
}

describe('the admin port', () => {
  it('needs the token, in its one place', async () => {
    const rows: [line: string, headers: string[]][] = [
      ['POST /admin/flush', []],
      ['POST /admin/flush', ['authorization: Bearer wrong']],
      ['POST /admin/flush', ['authorization: Bearer ']],
      ['POST /admin/flush', [`authorization: Basic ${token}`]],
      [`POST /admin/flush?token=${token}`, []],
      [`GET /metrics?access_token=${token}`, []],
      ['GET /metrics', [`cookie: token=${token}`]],
      ['GET /metrics', ['authorization: Bearer x', `authorization: Bearer ${token}`]],
      ['GET /metrics', ['x-http-method-override: POST', 'x-forwarded-for: 127.0.0.1']],
      ['GET /livez/../metrics', []],
      ['GET //metrics', []],
      ['GET http://x/metrics', []],
      ['GET /metrics', ['upgrade: websocket']],
    ]
    for (const [line, headers] of rows) {
      const { status, text } = await ask(line, headers)
      assert.equal(status, 401, `${line} ${headers.join(' ')}`)
      assert.ok(!text.includes(token))
    }
    await stillAnswers()
  })

  it('does nothing but what it was asked', async () => {
    const right = [`authorization: Bearer ${token}`]
    assert.equal((await ask('GET /admin/flush', right)).status, 404)
    assert.equal((await ask('HEAD /admin/flush', right)).status, 404)
    assert.equal((await ask('GET /__proto__', right)).status, 404)
    assert.equal((await ask('GET /metrics', right)).status, 200)
    await stillAnswers()
  })

  it('refuses what is too large, or no HTTP', async () => {
    const right = [`authorization: Bearer ${token}`, 'content-length: 1000000']
    const large = await ask('POST /admin/flush', right, 'x'.repeat(1_000_000))
    assert.equal(large.status, 413)
    assert.equal((await ask('GET /livez', [`a: ${'x'.repeat(20_000)}`])).status, 431)
    for (const line of ['\x16\x03\x01', 'FOO /', 'GET']) {
      assert.equal((await ask(line)).status, 400, line)
    }
    await stillAnswers()
  })

  it('outlives clients that leave', async () => {
    for (let round = 0; round < 20; round++) {
      const wire = await openWire(port)
      wire.socket.write(
        `POST /admin/flush HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 10\r\n\r\nx`,
      )
      wire.socket.resetAndDestroy()
    }
    await stillAnswers()
  })
})
