/** Bytes that no AWS client sends: a clear refusal, no crash, and the next request is served. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testCredential } from '../signature/signing.test-support.ts'
import {
  echoService,
  headBytes,
  jsonCall,
  rawConnection,
  type Sending,
  send,
  startGateway,
  startUpstream,
  type TestGatewayOptions,
} from './gateway.test-support.ts'

const start = async (t: TestContext, options: TestGatewayOptions = {}) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: () => upstream.url, ...options })
  /** Everything that comes back for these bytes until the gateway closes the connection. */
  const exchange = async (bytes: Buffer | string): Promise<string> => {
    const { socket, text } = await rawConnection(t, gateway.port)
    socket.write(bytes)
    const answer = await text()
    assert.equal((await send(gateway.url, jsonCall('GetTrail'))).status, 200, 'still alive')
    return answer
  }
  return { ...gateway, upstream, exchange }
}

const HOST = 'host: 127.0.0.1'

test('requests that HTTP does not allow', async (t) => {
  const { exchange } = await start(t)
  const cases: Record<string, string> = {
    'two lengths': `POST / HTTP/1.1\r\n${HOST}\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    'length and chunks': `POST / HTTP/1.1\r\n${HOST}\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a negative length': `POST / HTTP/1.1\r\n${HOST}\r\ncontent-length: -2\r\n\r\n`,
    'no host': 'GET / HTTP/1.1\r\n\r\n',
    garbage: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'a bare line feed': `GET / HTTP/1.1\n${HOST}\n\n`,
    'a space in a header name': `GET / HTTP/1.1\r\n${HOST}\r\nx amz: 1\r\n\r\n`,
    'an unknown version': `GET / HTTP/9.9\r\n${HOST}\r\n\r\n`,
  }
  for (const [name, bytes] of Object.entries(cases)) {
    assert.match(await exchange(bytes), /^HTTP\/1\.1 400 /, name)
  }
})

test('a header block above 64 KiB is a 431; below it is served', async (t) => {
  const { exchange, url } = await start(t)
  const head = `GET / HTTP/1.1\r\n${HOST}\r\nx-amz-security-token: ${'t'.repeat(66_000)}\r\n\r\n`
  assert.match(await exchange(head), /^HTTP\/1\.1 431 [\s\S]*RequestHeaderSectionTooLarge/)
  const long = { ...jsonCall('GetTrail'), query: { token: 't'.repeat(60_000) } }
  assert.equal((await send(url, long)).status, 200)
})

test('targets and methods of a proxy, and upgrades', async (t) => {
  const { exchange, upstream } = await start(t)
  const close = 'connection: close\r\n\r\n'
  const absolute = `GET http://example.com/ HTTP/1.1\r\n${HOST}\r\n${close}`
  assert.match(await exchange(absolute), /^HTTP\/1\.1 400 [\s\S]*InvalidRequest/)
  const star = `OPTIONS * HTTP/1.1\r\n${HOST}\r\n${close}`
  assert.match(await exchange(star), /^HTTP\/1\.1 400 /)
  const tunnel = `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n\r\n`
  assert.match(await exchange(tunnel), /^HTTP\/1\.1 405 /)
  const upgrade = `GET / HTTP/1.1\r\n${HOST}\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n`
  assert.match(await exchange(upgrade), /^HTTP\/1\.1 400 /)
  const expectation = `GET / HTTP/1.1\r\n${HOST}\r\nexpect: miracles\r\n${close}`
  assert.match(await exchange(expectation), /^HTTP\/1\.1 417 /)
  const encoded = `POST / HTTP/1.1\r\n${HOST}\r\ntransfer-encoding: gzip, chunked\r\n${close.slice(0, -2)}\r\n0\r\n\r\n`
  assert.match(await exchange(encoded), /^HTTP\/1\.1 501 /)
  assert.ok(upstream.requests.every(({ url }) => url === '/'))
})

test('headers that count only once must not come twice', async (t) => {
  const { exchange, port, upstream } = await start(t)
  const head = (await headBytes(port, jsonCall('CreateTrail'), ['content-length: 2'])).toString(
    'latin1',
  )
  for (const line of [
    'x-amz-date: 20260302T081407Z',
    'authorization: AWS4-HMAC-SHA256 Credential=a',
    'Host: other',
  ]) {
    const doubled = head.replace(/\r\n\r\n$/, `\r\n${line}\r\nconnection: close\r\n\r\n`)
    assert.match(await exchange(`${doubled}{}`), /^HTTP\/1\.1 400 [\s\S]*given twice/, line)
  }
  assert.ok(
    upstream.requests.every(
      ({ method, headers }) =>
        method === 'POST' && /GetTrail/.test(String(headers['x-amz-target'])),
    ),
  )
})

test('a body that breaks the framing of HTTP: 400 while it is held, a broken request for an upstream', async (t) => {
  const { exchange, port, upstream } = await start(t, { limits: { streamFromBytes: 10 } })
  const held = await headBytes(port, jsonCall('CreateTrail'), ['transfer-encoding: chunked'])
  assert.match(
    await exchange(Buffer.concat([held, Buffer.from('2\r\n{}\r\nzz\r\n')])),
    /^HTTP\/1\.1 400 /,
  )
  const before = upstream.requests.length
  const put: Sending = {
    service: 's3',
    method: 'PUT',
    path: '/bucket/key',
    headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  }
  const streamed = await headBytes(port, put, ['transfer-encoding: chunked'])
  const body = `1000\r\n${'x'.repeat(4096)}\r\nzz\r\n`
  assert.match(await exchange(Buffer.concat([streamed, Buffer.from(body)])), /^HTTP\/1\.1 400 /)
  assert.ok(upstream.requests.slice(before, -1).every(({ complete }) => !complete))
})

test('a body that breaks in one piece with its head is refused at once', async (t) => {
  // The signature is still being verified then: nobody reads the body yet.
  const { exchange, port } = await start(t, {
    credentials: {
      find: async (id) => {
        await new Promise((resolve) => setImmediate(resolve))
        return id === testCredential().accessKeyId ? testCredential() : undefined
      },
    },
  })
  const head = await headBytes(port, jsonCall('CreateTrail'), ['transfer-encoding: chunked'])
  const broken = Buffer.concat([head, Buffer.from('zz\r\nhello\r\n0\r\n\r\n')])
  assert.match(await exchange(broken), /^HTTP\/1\.1 400 /)
})

test('requests that pile up on one connection are refused', async (t) => {
  const { port } = await start(t, { limits: { pipelinedMax: 3 } })
  const one = await headBytes(port, jsonCall('GetTrail'), ['content-length: 2'])
  const { socket, text } = await rawConnection(t, port)
  socket.write(Buffer.concat(Array.from({ length: 8 }, () => [one, Buffer.from('{}')]).flat()))
  const answers = await text()
  assert.equal(answers.split('HTTP/1.1 200').length - 1, 3)
  assert.match(answers, /HTTP\/1\.1 503 [\s\S]*SlowDown/)
})

test('two requests at once are answered in their order', async (t) => {
  const { port, recorder } = await start(t)
  const first = await headBytes(port, jsonCall('CreateTrail'), ['content-length: 2'])
  const second = await headBytes(port, jsonCall('GetTrail'), [
    'content-length: 2',
    'connection: close',
  ])
  const { socket, text } = await rawConnection(t, port)
  socket.write(Buffer.concat([first, Buffer.from('{}'), second, Buffer.from('{}')]))
  const answers = (await text()).split('HTTP/1.1 200').length - 1
  assert.equal(answers, 2)
  assert.deepEqual(
    new Set(recorder.records().map(({ eventName }) => eventName)),
    new Set(['CreateTrail', 'GetTrail']),
  )
})

test('garbage after a request: the request is answered, then the connection ends', async (t) => {
  const { port } = await start(t)
  const head = await headBytes(port, jsonCall('CreateTrail'), ['content-length: 2'])
  const { socket, text } = await rawConnection(t, port)
  socket.write(Buffer.concat([head, Buffer.from('{}\x00\x01garbage\r\n\r\n')]))
  const answer = await text()
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.equal(answer.split('HTTP/1.1').length, 2)
})

test('a connection that the client half closes gets its answer, and its call is recorded', async (t) => {
  const { port, recorder } = await start(t)
  const head = await headBytes(port, jsonCall('CreateTrail'), ['content-length: 2'])
  const { socket, text } = await rawConnection(t, port)
  socket.end(Buffer.concat([head, Buffer.from('{}')]))
  assert.match(await text(), /^HTTP\/1\.1 200 [\s\S]*sha256/)
  assert.equal((await recorder.reach(1))[0]?.eventName, 'CreateTrail')
})

test('bytes that are no UTF-8, control characters and odd escapes pass as they are', async (t) => {
  const { port, upstream } = await start(t)
  for (const path of [
    '/bucket/%ff%fe',
    '/bucket/%00%0d%0a',
    '/bucket/%zz',
    '/bucket/..%2f..%2fetc/../x',
  ]) {
    const { socket, text } = await rawConnection(t, port)
    socket.write(await headBytes(port, { service: 's3', path }, ['connection: close']))
    assert.match(await text(), /^HTTP\/1\.1 200 /, path)
    assert.equal(upstream.requests.at(-1)?.url, path)
  }
  const { socket, text } = await rawConnection(t, port)
  const bad = `GET /bucket/key?X-Amz-Signature=%ff&X-Amz-Credential=%zz HTTP/1.1\r\n${HOST}\r\nconnection: close\r\n\r\n`
  socket.write(bad)
  assert.match(await text(), /^HTTP\/1\.1 400 [\s\S]*AuthorizationQueryParametersError/)
})

test('Expect: 100-continue is granted only to a head that holds', async (t) => {
  const { port, exchange } = await start(t, {
    builtin: (name) => (name === 's3' ? echoService : undefined),
  })
  const put: Sending = { service: 's3', method: 'PUT', path: '/bucket/key', body: 'hello' }
  const lines = ['content-length: 5', 'expect: 100-continue']
  const good = await rawConnection(t, port)
  good.socket.write(await headBytes(port, put, lines))
  assert.equal(await good.until(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n')
  good.socket.write('hello')
  assert.match(await good.until(/sha256/), /HTTP\/1\.1 200 /)
  const refused = await headBytes(port, { ...put, secret: 'wrong' }, lines)
  assert.match(await exchange(refused), /^HTTP\/1\.1 403 /)
})

test('bodies above the limits: 413 before they are read, 503 when memory is short', async (t) => {
  const { url, exchange, port } = await start(t, {
    limits: { bodyBytesMax: 1000, bodiesBytesMax: 500, unsignedBodyBytesMax: 10 },
  })
  const lines = ['content-length: 1001', 'expect: 100-continue']
  const large = await headBytes(port, jsonCall('CreateTrail', 'x'.repeat(1001)), lines)
  assert.match(await exchange(large), /^HTTP\/1\.1 413 [\s\S]*RequestEntityTooLarge/)
  assert.equal((await send(url, jsonCall('CreateTrail', 'x'.repeat(600)))).status, 503)
  assert.equal((await send(url, jsonCall('CreateTrail', 'x'.repeat(400)))).status, 200)
  assert.equal(
    (await send(url, jsonCall('CreateTrail', 'x'.repeat(400)))).status,
    200,
    'memory comes back',
  )
  const anonymous = await fetch(url, { method: 'POST', body: 'Action=AssumeRoleWithSAML' })
  assert.equal(anonymous.status, 413)
})

test('a client that stalls in the head', async (t) => {
  const { port } = await start(t, { limits: { headersMs: 50, sweepMs: 20 } })
  const head = await rawConnection(t, port)
  head.socket.write('GET / HTTP/1.1\r\nhos')
  assert.match(await head.text(), /^HTTP\/1\.1 408 /)
})

test('clients that stall: in a held body, in a stream', async (t) => {
  const { port, recorder } = await start(t, {
    limits: { bodyIdleMs: 50, streamFromBytes: 1000, drainMs: 10 },
  })
  const held = await rawConnection(t, port)
  held.socket.write(await headBytes(port, jsonCall('CreateTrail'), ['content-length: 2']))
  assert.match(await held.text(), /^HTTP\/1\.1 400 [\s\S]*RequestTimeout/)
  const stream = await rawConnection(t, port)
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const put: Sending = { service: 's3', method: 'PUT', path: '/bucket/key', headers }
  stream.socket.write(await headBytes(port, put, ['content-length: 100000']))
  stream.socket.write('x'.repeat(5000))
  assert.match(await stream.text(), /^HTTP\/1\.1 400 [\s\S]*RequestTimeout/)
  assert.deepEqual(
    recorder.records().map(({ errorCode }) => errorCode),
    ['RequestTimeout'],
  )
})

test('a client that drips a held body runs out of time', async (t) => {
  const { port } = await start(t, { limits: { bodyMs: 60, drainMs: 10 } })
  const { socket, text } = await rawConnection(t, port)
  socket.write(await headBytes(port, jsonCall('CreateTrail'), ['content-length: 100000']))
  const drip = setInterval(() => socket.write('x'), 10)
  assert.match(await text(), /^HTTP\/1\.1 400 [\s\S]*RequestTimeout/)
  clearInterval(drip)
})

test('an upstream that falls silent, and a client that takes nothing', async (t) => {
  const silent = await startUpstream(t, () => {})
  const quiet = await startGateway(t, {
    upstream: () => silent.url,
    limits: { upstreamIdleMs: 50 },
  })
  const answer = await send(quiet.url, jsonCall('GetTrail'))
  assert.equal(answer.status, 504)
  assert.match(await answer.text(), /did not answer in time/)
  const large = await startUpstream(t, (_request, response) =>
    response.end(Buffer.alloc(30_000_000)),
  )
  const { port, recorder } = await startGateway(t, {
    upstream: () => large.url,
    limits: { answerIdleMs: 50 },
  })
  const { socket } = await rawConnection(t, port)
  socket.pause()
  socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
  const [record] = await recorder.reach(1)
  assert.equal(record?.status, 200)
  assert.equal(record?.response, undefined)
})
