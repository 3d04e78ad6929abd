/** Bytes that are no HTTP, or HTTP that two readers would read differently. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openWire } from '../../src/capture/gateway/gateway.test-support.ts'
import { type Answer, signedHead, startTarget, type Target } from './support.ts'

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: '/framing-bucket' })).status, 200)
})
after(() => target.stop())

const PUT = { method: 'PUT', path: '/framing-bucket/key', payload: 'UNSIGNED-PAYLOAD' } as const
const CHUNKED = 'transfer-encoding: chunked'
const CLOSE = 'connection: close'

type Row = readonly [
  name: string,
  length: string,
  lines: readonly string[],
  body: string,
  status: number,
  code: string,
]

const signedPut = (length: string, lines: readonly string[], body: string): Promise<Answer> => {
  const head = signedHead(target.host, target.root, {
    ...PUT,
    contentLength: length,
    extra: [CLOSE, ...lines],
  })
  return target.raw(head.text + body)
}

describe('framing', () => {
  it('refuses lengths that are none, or two', async () => {
    const rows: Row[] = [
      ['negative', '-5', [], 'hello', 400, 'BadRequest'],
      ['signed', '+5', [], 'hello', 400, 'BadRequest'],
      ['hexadecimal', '0x5', [], 'hello', 400, 'BadRequest'],
      ['with a fraction', '5.0', [], 'hello', 400, 'BadRequest'],
      ['beyond 64 bits', '99999999999999999999999', [], 'hello', 400, 'BadRequest'],
      ['more than an object may have', '6442450944', [], '', 400, 'EntityTooLarge'],
      ['a list', '5, 5', [], 'hello', 400, 'BadRequest'],
      ['twice the same', '5', ['content-length: 5'], 'hello', 400, 'BadRequest'],
      ['twice', '5', ['content-length: 6'], 'hello', 400, 'BadRequest'],
      ['with chunks too', '5', [CHUNKED], '5\r\nhello\r\n0\r\n\r\n', 400, 'BadRequest'],
      ['another coding', 'none', ['transfer-encoding: xchunked'], '', 501, 'NotImplemented'],
      ['two codings', 'none', [CHUNKED, 'transfer-encoding: identity'], '', 400, 'BadRequest'],
    ]
    for (const [name, length, lines, body, status, code] of rows) {
      const answer = await signedPut(length, lines, body)
      assert.deepEqual([answer.status, answer.code], [status, code], name)
    }
    await target.stillAnswers('lengths')
  })

  it('refuses chunks that are none', { timeout: 15_000 }, async () => {
    const chunks: Record<string, string> = {
      'no number': 'zz\r\nhello\r\n0\r\n\r\n',
      'a negative one': '-1\r\nhello\r\n0\r\n\r\n',
      'beyond 64 bits': 'ffffffffffffffffffff\r\nhello\r\n0\r\n\r\n',
      'longer than it says': '2\r\nhello\r\n0\r\n\r\n',
      'a long extension': `5;${'x'.repeat(200_000)}\r\nhello\r\n0\r\n\r\n`,
    }
    for (const [name, body] of Object.entries(chunks)) {
      // A held body: the framing breaks before anybody decides about the call.
      const head = signedHead(target.host, target.root, {
        method: 'POST',
        service: 'cloudtrail',
        contentLength: 'none',
        extra: [CLOSE, CHUNKED],
      })
      const answer = await target.raw(head.text + body)
      assert.ok([400, 413, 431].includes(answer.status), `${name}: ${answer.head}`)
    }
    await target.stillAnswers('chunks')
  })

  it('answers what is no request at all', async () => {
    const host = `host: ${target.host}\r\n${CLOSE}\r\n`
    const rows: [name: string, bytes: string, status: number][] = [
      ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
      ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
      ['an unknown method', `FOO / HTTP/1.1\r\n${host}\r\n`, 400],
      ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
      ['a folded header', `GET / HTTP/1.1\r\nx-a: b\r\n  c\r\n${host}\r\n`, 400],
      ['a NUL in a header', `GET / HTTP/1.1\r\nx-a: b\0c\r\n${host}\r\n`, 400],
      ['an escape in a header', `GET / HTTP/1.1\r\nx-a: \x1b[31m\r\n${host}\r\n`, 400],
      ['raw bytes in the path', `GET /\xff\xfe HTTP/1.1\r\n${host}\r\n`, 400],
      ['another host’s target', `GET http://example.com/ HTTP/1.1\r\n${host}\r\n`, 400],
      ['a tunnel', `CONNECT example.com:443 HTTP/1.1\r\n${host}\r\n`, 405],
      [
        'an upgrade',
        `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n`,
        400,
      ],
      ['an expectation', `GET / HTTP/1.1\r\nexpect: miracles\r\n${host}\r\n`, 417],
      ['70 KB of headers', `GET / HTTP/1.1\r\nx-a: ${'a'.repeat(70_000)}\r\n${host}\r\n`, 431],
      ['70 KB of path', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${host}\r\n`, 431],
      [
        '70 KB of X-Amz-Target',
        `POST / HTTP/1.1\r\nx-amz-target: ${'a'.repeat(70_000)}\r\n${host}\r\n`,
        431,
      ],
      ['9,000 headers', `GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(9_000)}${host}\r\n`, 403],
      ['a host of dots', `GET / HTTP/1.1\r\nhost: ../../x.localhost\r\n${CLOSE}\r\n\r\n`, 403],
      ['TRACE', `TRACE / HTTP/1.1\r\n${host}\r\n`, 403],
    ]
    for (const [name, bytes, status] of rows) {
      assert.equal((await target.raw(bytes)).status, status, name)
    }
    await target.stillAnswers('no requests')
  })

  it('keeps nothing of an upload that breaks off', async () => {
    for (let round = 0; round < 20; round++) {
      const wire = await openWire(target.port)
      const head = signedHead(target.host, target.root, { ...PUT, contentLength: '5000000' })
      wire.socket.write(head.text)
      wire.socket.write(Buffer.alloc(200_000))
      if (round % 2 === 0) wire.socket.resetAndDestroy()
      else wire.socket.destroy()
    }
    const wire = await openWire(target.port, true)
    wire.socket.end(signedHead(target.host, target.root, { ...PUT, contentLength: '9' }).text)
    assert.match(await wire.closed(), /^HTTP\/1\.1 400 [\s\S]*IncompleteBody/)
    await target.stillAnswers('broken uploads')
    assert.equal((await target.send({ path: PUT.path })).code, 'NoSuchKey')
  })

  it('says 100 Continue only to a signature that holds', async () => {
    const refused = { ...target.root, secretAccessKey: 'wrong' }
    const head = signedHead(target.host, refused, {
      ...PUT,
      contentLength: '5',
      extra: ['expect: 100-continue', CLOSE],
    })
    const wire = await openWire(target.port)
    wire.socket.write(head.text)
    assert.match(await wire.closed(), /^HTTP\/1\.1 403 [\s\S]*SignatureDoesNotMatch/)
    await target.stillAnswers('an expectation')
  })

  it('answers requests on one connection in their order', async () => {
    const wire = await openWire(target.port)
    const requests = Array.from({ length: 12 }, (_, index) =>
      signedHead(target.host, target.root, {
        path: `/framing-bucket/missing-${index}`,
        extra: index === 11 ? [CLOSE] : [],
      }),
    )
    wire.socket.write(requests.map(({ text }) => text).join(''))
    const answers = await wire.closed()
    const keys = [...answers.matchAll(/<Key>missing-(\d+)<\/Key>/g)].map(([, index]) => index)
    assert.deepEqual(
      keys,
      requests.map((_, index) => String(index)),
    )
    await target.stillAnswers('pipelining')
  })

  it('outlives answers that nobody takes', async () => {
    const path = '/framing-bucket/large'
    assert.equal(
      (await target.send({ method: 'PUT', path, body: Buffer.alloc(1_000_000) })).status,
      200,
    )
    for (let round = 0; round < 50; round++) {
      const wire = await openWire(target.port)
      wire.socket.write(signedHead(target.host, target.root, { path }).text)
      await wire.until(/HTTP/)
      wire.socket.resetAndDestroy()
    }
    await target.stillAnswers('resets')
  })
})
