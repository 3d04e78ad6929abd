/**
 * Bytes that two readers could take for different requests. The upstream is no HTTP server but
 * keeps every byte: what it gets is exactly the request that was verified, or nothing.
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import {
  headBytes,
  jsonCall,
  rawConnection,
  type Sending,
  startGateway,
} from '../../src/capture/gateway/gateway.test-support.ts'
import type { GatewayLimits } from '../../src/capture/gateway/gateway-options.ts'
import { startRawUpstream } from '../faults/raw-upstream.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const CHUNKED = 'transfer-encoding: chunked'
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n'

interface Message {
  readonly method: string
  readonly head: string
  readonly body: string
}

/** Reads requests as an obvious server would: by a length or by chunks, and nothing lenient. */
const messagesOf = (bytes: string): { messages: Message[]; rest: string } => {
  const messages: Message[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return { messages, rest }
    const head = rest.slice(0, end)
    let body = rest.slice(end + 4)
    const lengths = [...head.matchAll(/\r\ncontent-length: (\d+)/gi)].map(([, text]) =>
      Number(text),
    )
    const codings = [...head.matchAll(/\r\ntransfer-encoding: (.*)/gi)].map(([, text]) => text)
    assert.ok(lengths.length + codings.length <= 1, `one framing only: ${head}`)
    const method = head.split(' ')[0] ?? ''
    if (codings.length > 0) {
      let content = ''
      for (;;) {
        const size = /^([0-9a-f]+)\r\n/.exec(body)
        if (size === null) return { messages, rest }
        const length = Number.parseInt(size[1] ?? '', 16)
        content += body.slice(size[0].length, size[0].length + length)
        body = body.slice(size[0].length + length + 2)
        if (length === 0) break
      }
      messages.push({ method, head, body: content })
      rest = body
    } else {
      const length = lengths[0] ?? 0
      if (body.length < length) return { messages, rest }
      messages.push({ method, head, body: body.slice(0, length) })
      rest = body.slice(length)
    }
  }
}

const start = async (t: TestContext, limits: Partial<GatewayLimits> = {}) => {
  const upstream = await startRawUpstream(t, ({ socket, received }) => {
    let answered = 0
    socket.on('data', () => {
      const { length } = messagesOf(received()).messages
      for (; answered < length; answered++) socket.write(OK)
    })
  })
  const gateway = await startGateway(t, { upstream: () => upstream.url, limits })
  /** Everything that comes back until the gateway closes the connection. */
  const exchange = async (bytes: string | Buffer): Promise<string> => {
    const { socket, text } = await rawConnection(t, gateway.port)
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return text()
  }
  /** A signed head with these lines behind the signed ones. */
  const head = async (call: Sending, lines: string[]): Promise<string> =>
    (await headBytes(gateway.port, call, lines)).toString('latin1')
  const forwarded = (): { messages: Message[]; rest: string } => {
    const all = upstream.connections.map(({ received }) => messagesOf(received()))
    return {
      messages: all.flatMap(({ messages }) => messages),
      rest: all.map(({ rest }) => rest).join(''),
    }
  }
  return { ...gateway, upstream, exchange, head, forwarded }
}

const CLOSE = 'connection: close'
const CALL = jsonCall('CreateTrail', '{}')
const PUT: Sending = {
  service: 's3',
  method: 'PUT',
  path: '/bucket/key',
  headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
}

describe('framing that is not clear', () => {
  it('is refused, and reaches no upstream', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const rows: Record<string, [lines: string[], body: string]> = {
      'two lengths': [['content-length: 2', 'content-length: 40'], `{}${SMUGGLED}`],
      'the same length twice': [['content-length: 2', 'content-length: 2'], '{}'],
      'a list of lengths': [['content-length: 2, 2'], '{}'],
      'a signed length': [['content-length: +2'], '{}'],
      'a hexadecimal length': [['content-length: 0x2'], '{}'],
      'a length with a space inside': [['content-length: 2 2'], '{}'],
      'length, then chunks': [['content-length: 2', CHUNKED], `0\r\n\r\n${SMUGGLED}`],
      'chunks, then length': [[CHUNKED, 'content-length: 2'], `0\r\n\r\n${SMUGGLED}`],
      'a space before the colon': [['transfer-encoding : chunked'], `0\r\n\r\n${SMUGGLED}`],
      'a tab before the colon': [['transfer-encoding\t: chunked'], `0\r\n\r\n${SMUGGLED}`],
      'a folded coding': [['transfer-encoding:\r\n chunked'], `0\r\n\r\n${SMUGGLED}`],
      xchunked: [['transfer-encoding: xchunked'], '{}'],
      'chunked, identity': [['transfer-encoding: chunked, identity'], `0\r\n\r\n${SMUGGLED}`],
      'identity, chunked': [['transfer-encoding: identity, chunked'], `0\r\n\r\n${SMUGGLED}`],
      identity: [['transfer-encoding: identity'], '{}'],
      'identity and a length': [['transfer-encoding: identity', 'content-length: 2'], '{}'],
      'chunked twice': [[CHUNKED, CHUNKED], `0\r\n\r\n${SMUGGLED}`],
      'a quoted coding': [['transfer-encoding: "chunked"'], `0\r\n\r\n${SMUGGLED}`],
      'a control character behind the coding': [
        ['transfer-encoding: chunked\x0b'],
        `0\r\n\r\n${SMUGGLED}`,
      ],
      'a NUL in a header': [['x-a: b\0c', 'content-length: 2'], '{}'],
      'a bare line feed': [['x-a: b\ncontent-length: 40', 'content-length: 2'], '{}'],
      'a bare carriage return': [['x-a: b\rcontent-length: 40', 'content-length: 2'], '{}'],
      'a second host': [['Host: elsewhere', 'content-length: 2'], '{}'],
      'a second date': [['X-Amz-Date: 20260302T081407Z', 'content-length: 2'], '{}'],
      'a second signature': [['Authorization: AWS4-HMAC-SHA256 x', 'content-length: 2'], '{}'],
    }
    for (const [name, [lines, body]] of Object.entries(rows)) {
      const answer = await exchange((await head(CALL, [...lines, CLOSE])) + body)
      assert.match(answer, /^HTTP\/1\.1 (?:400|501) /, name)
      assert.equal(answer.split('HTTP/1.1 ').length, 2, `${name}: one answer`)
    }
    assert.deepEqual(forwarded(), { messages: [], rest: '' })
  })

  it('in a request line is refused, and reaches no upstream', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const signed = await head(CALL, ['content-length: 2', CLOSE])
    const rows: Record<string, string> = {
      'an absolute target': 'POST http://elsewhere/ HTTP/1.1',
      'its own absolute target': 'POST http://127.0.0.1/ HTTP/1.1',
      'an authority': 'POST elsewhere:80 HTTP/1.1',
      'an asterisk': 'OPTIONS * HTTP/1.1',
      'a tab': 'POST\t/ HTTP/1.1',
      'a space in the path': 'POST / x HTTP/1.1',
      'HTTP/0.9': 'POST / HTTP/0.9',
      'HTTP/1.2': 'POST / HTTP/1.2',
      'HTTP/2.0': 'POST / HTTP/2.0',
      'no version': 'POST /',
      'lower case': 'post / HTTP/1.1',
    }
    for (const [name, line] of Object.entries(rows)) {
      const answer = await exchange(`${signed.replace('POST / HTTP/1.1', line)}{}`)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, name)
    }
    const old = (await head(CALL, [CHUNKED])).replace('HTTP/1.1', 'HTTP/1.0')
    assert.match(await exchange(`${old}2\r\n{}\r\n0\r\n\r\n`), /^HTTP\/1\.1 400 /)
    assert.deepEqual(forwarded(), { messages: [], rest: '' })
  })

  it('in chunks is refused, and no upstream takes it for a request', async (t) => {
    const { exchange, head, forwarded } = await start(t, { streamFromBytes: 10 })
    const bodies: Record<string, string> = {
      'hexadecimal with a prefix': '0x2\r\n{}\r\n0\r\n\r\n',
      negative: '-2\r\n{}\r\n0\r\n\r\n',
      signed: '+2\r\n{}\r\n0\r\n\r\n',
      'beyond 64 bits': 'ffffffffffffffff2\r\n{}\r\n0\r\n\r\n',
      'no number': 'zz\r\n{}\r\n0\r\n\r\n',
      'a space before the number': ' 2\r\n{}\r\n0\r\n\r\n',
      'no line end behind the data': `2\r\n{}0\r\n\r\n${SMUGGLED}`,
      'line feeds alone': `2\n{}\n0\n\n${SMUGGLED}`,
      'a line feed behind the size': `2\n{}\r\n0\r\n\r\n${SMUGGLED}`,
      'more than its size': `2\r\n{}{}\r\n0\r\n\r\n${SMUGGLED}`,
      'a long extension': `2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`,
      'a line feed in an extension': `2;a\nb\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
      'a trailer that is no header': '2\r\n{}\r\n0\r\nno header\r\n\r\n',
      'a length among the trailers': `2\r\n{}\r\n0\r\ncontent-length: 40\r\n\r\n${SMUGGLED}`,
      'a flood of trailers': `2\r\n{}\r\n0\r\n${`x-a: ${'a'.repeat(1_000)}\r\n`.repeat(100)}\r\n`,
    }
    for (const [name, body] of Object.entries(bodies)) {
      for (const call of [CALL, PUT]) {
        const answer = await exchange((await head(call, [CHUNKED, CLOSE])) + body)
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, `${name} ${call.method}`)
        assert.equal(answer.split('HTTP/1.1 ').length, 2, `${name}: one answer`)
      }
    }
    assert.deepEqual(forwarded().messages, [], 'uploads were broken off')
    assert.doesNotMatch(forwarded().rest, /smuggled/)
  })
})

describe('what an upstream gets', () => {
  it('is one request with one framing, whichever the client used', async (t) => {
    const { exchange, head, forwarded } = await start(t, { streamFromBytes: 10 })
    const chunks = '1\r\n{\r\n00001;a=b\r\n}\r\n0\r\n'
    const rows: [call: Sending, lines: string[], body: string, content: string][] = [
      [CALL, ['content-length: 2'], '{}', '{}'],
      [CALL, [CHUNKED], `${chunks}\r\n`, '{}'],
      [CALL, ['Transfer-Encoding: \t Chunked'], `${chunks}\r\n`, '{}'],
      [PUT, [CHUNKED], `${chunks}\r\n`, '{}'],
      [PUT, ['content-length: 20'], 'x'.repeat(20), 'x'.repeat(20)],
      [PUT, [CHUNKED], `28\r\n${SMUGGLED.padEnd(40)}\r\n0\r\n\r\n`, SMUGGLED.padEnd(40)],
    ]
    for (const [index, [call, lines, body, content]] of rows.entries()) {
      const answer = await exchange((await head(call, [...lines, CLOSE])) + body)
      assert.match(answer, /^HTTP\/1\.1 200 /, String(index))
      const { messages, rest } = forwarded()
      assert.deepEqual([messages.length, rest], [index + 1, ''])
      assert.deepEqual([messages[index]?.method, messages[index]?.body], [call.method, content])
    }
  })

  it('has no trailers, no headers of the connection and no upgrade', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const trailers = '0\r\nhost: elsewhere\r\nauthorization: x\r\nx-amz-target: A.B\r\n\r\n'
    const lines = [CHUNKED, 'trailer: content-length', 'te: trailers', 'keep-alive: 9', CLOSE]
    const answer = await exchange(`${await head(CALL, lines)}2\r\n{}\r\n${trailers}`)
    assert.match(answer, /^HTTP\/1\.1 200 /)
    const [message] = forwarded().messages
    assert.doesNotMatch(message?.head ?? '', /elsewhere|A\.B|\r\n(?:te|trailer|keep-alive):/i)
    assert.equal(message?.body, '{}')
  })

  it('keeps headers that the Connection header names', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const named = 'connection: close, x-amz-date, authorization, host, content-length'
    const answer = await exchange(`${await head(CALL, ['content-length: 2', named])}{}`)
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.match(forwarded().messages[0]?.head ?? '', /\r\nx-amz-date: [\s\S]*\r\nauthorization: /)
  })

  it('of pipelined requests is each once; the answers keep their order', async (t) => {
    const { exchange, head, forwarded, recorder } = await start(t)
    let bytes = ''
    for (let index = 0; index < 10; index++) {
      const call = jsonCall(`Get${index}`, '{}')
      bytes += `${await head(call, ['content-length: 2', ...(index === 9 ? [CLOSE] : [])])}{}`
    }
    const answers = await exchange(bytes)
    assert.equal(answers.split('HTTP/1.1 200').length - 1, 10)
    const { messages, rest } = forwarded()
    assert.deepEqual([messages.length, rest], [10, ''])
    assert.equal(new Set(recorder.records().map(({ eventName }) => eventName)).size, 10)
  })

  it('behind a request that is no HTTP is nothing', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const good = `${await head(CALL, ['content-length: 2'])}{}`
    const bad = `${await head(CALL, ['content-length: 2', 'content-length: 3'])}{}`
    const answers = await exchange(good + bad + good)
    assert.match(answers, /^HTTP\/1\.1 200 /)
    assert.equal(forwarded().messages.length, 1, 'the connection ends at the error')
  })

  it('behind a refused signature is nothing of its body', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const length = `content-length: ${SMUGGLED.length}`
    const refused = await head({ ...CALL, secret: 'wrong' }, [length, CLOSE])
    assert.match(await exchange(refused + SMUGGLED), /^HTTP\/1\.1 40[03] /)
    assert.deepEqual(forwarded(), { messages: [], rest: '' })
  })
})

describe('floods of headers', () => {
  it('are refused above 64 KiB, and pass below', async (t) => {
    const { exchange, head, forwarded } = await start(t)
    const line = `x-filler: ${'f'.repeat(980)}`
    const some = await head(CALL, ['content-length: 2', CLOSE, ...Array<string>(60).fill(line)])
    assert.match(await exchange(`${some}{}`), /^HTTP\/1\.1 200 /)
    const many = await head(CALL, ['content-length: 2', CLOSE, ...Array<string>(80).fill(line)])
    assert.match(await exchange(`${many}{}`), /^HTTP\/1\.1 431 /)
    const short = await head(CALL, [
      'content-length: 2',
      CLOSE,
      ...Array<string>(9_000).fill('a:b'),
    ])
    assert.match(await exchange(`${short}{}`), /^HTTP\/1\.1 200 /)
    const long = await head(CALL, ['content-length: 2', CLOSE, `x-${'n'.repeat(70_000)}: 1`])
    assert.match(await exchange(`${long}{}`), /^HTTP\/1\.1 431 /)
    assert.equal(forwarded().messages.length, 2)
  })
})
