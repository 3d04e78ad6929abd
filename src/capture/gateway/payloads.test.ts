/** Every way in which a payload is bound to its signature, over real sockets, in both directions. */
import assert from 'node:assert/strict'
import { createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { EMPTY_SHA256 } from '../signature/payload/payload-mode.ts'
import { SECRET } from '../signature/signing.test-support.ts'
import {
  echoService,
  headBytes,
  rawConnection,
  type Sending,
  send,
  sha256,
  startGateway,
  startUpstream,
} from './gateway.test-support.ts'

const put: Sending = { service: 's3', method: 'PUT', path: '/bucket/key' }

/** Signs a body in chunks as a client does: the head first, then chunk by chunk. */
const signedChunks = (head: string, chunks: Buffer[], trailer?: [string, string]): Buffer => {
  const seed = /Signature=([0-9a-f]{64})/.exec(head)?.[1] ?? ''
  const amzDate = /x-amz-date: (\S+)/.exec(head)?.[1] ?? ''
  const scope = /Credential=[^/]+\/(\S+aws4_request)/.exec(head)?.[1] ?? ''
  const key = scope
    .split('/')
    .reduce(
      (parent, part) => createSecretKey(createHmac('sha256', parent).update(part).digest()),
      createSecretKey(Buffer.from(`AWS4${SECRET}`)),
    )
  const hmac = (text: string): string => createHmac('sha256', key).update(text).digest('hex')
  let previous = seed
  const parts: Buffer[] = []
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    previous = hmac(
      `AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope}\n${previous}\n${EMPTY_SHA256}\n${sha256(chunk)}`,
    )
    parts.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk)
    if (chunk.length > 0) parts.push(Buffer.from('\r\n'))
  }
  if (trailer !== undefined) {
    const line = trailer.join(':')
    const signature = hmac(
      `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope}\n${previous}\n${sha256(`${line}\n`)}`,
    )
    parts.push(Buffer.from(`${line}\r\nx-amz-trailer-signature:${signature}\r\n`))
  }
  return Buffer.concat([...parts, Buffer.from('\r\n')])
}

const mode = (contentSha256: string, length: number, trailer?: string): Record<string, string> => ({
  'x-amz-content-sha256': contentSha256,
  'x-amz-decoded-content-length': String(length),
  'content-encoding': 'aws-chunked',
  ...(trailer !== undefined && { 'x-amz-trailer': trailer }),
})

interface Wire {
  readonly name: string
  readonly head: (port: number) => Promise<Buffer>
  readonly body: (head: string, plain: Buffer) => Buffer
  readonly trailers: Record<string, string>
}

const CRC: [string, string] = ['x-amz-checksum-crc32', 'AAAAAA==']

const wires = (plain: Buffer): Wire[] => {
  const signed = (headers: Record<string, string>) => (port: number) =>
    headBytes(port, { ...put, headers })
  return [
    {
      name: 'a hash in the head',
      head: (port) => headBytes(port, { ...put, body: plain }),
      body: () => plain,
      trailers: {},
    },
    {
      name: 'no hash',
      head: signed({ 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
      body: () => plain,
      trailers: {},
    },
    {
      name: 'presigned',
      head: (port) =>
        headBytes(port, {
          ...put,
          expiresIn: 60,
          headers: { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
        }),
      body: () => plain,
      trailers: {},
    },
    {
      name: 'signed chunks',
      head: signed(mode('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', plain.length)),
      body: (head) => signedChunks(head, [plain.subarray(0, 9000), plain.subarray(9000)]),
      trailers: {},
    },
    {
      name: 'signed chunks and trailer',
      head: signed(mode('STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', plain.length, CRC[0])),
      body: (head) => signedChunks(head, [plain], CRC),
      trailers: { [CRC[0]]: CRC[1] },
    },
    {
      name: 'unsigned chunks and trailer',
      head: signed(mode('STREAMING-UNSIGNED-PAYLOAD-TRAILER', plain.length, CRC[0])),
      body: () =>
        Buffer.concat([
          Buffer.from(`${plain.length.toString(16)}\r\n`),
          plain,
          Buffer.from(`\r\n0\r\n${CRC.join(':')}\r\n\r\n`),
        ]),
      trailers: { [CRC[0]]: CRC[1] },
    },
  ]
}

const splitHead = (text: Buffer, line: string): Buffer =>
  Buffer.from(
    text.toString('latin1').replace(/\r\n\r\n$/, `\r\n${line}\r\nconnection: close\r\n\r\n`),
    'latin1',
  )

const asChunks = (body: Buffer): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += 5000) {
    const part = body.subarray(at, at + 5000)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** Held and streamed, with a length and in HTTP chunks. */
for (const size of [20_000, 200_000]) {
  for (const { name } of wires(Buffer.alloc(0))) {
    test(`${name}, ${size} bytes: payload for Clew, raw bytes for an upstream`, async (t) => {
      const plain = Buffer.alloc(size, 'abcdefg')
      const wire = wires(plain).find((one) => one.name === name)
      assert.ok(wire)
      const limits = { streamFromBytes: 100_000 }
      const upstream = await startUpstream(t)
      const builtin = await startGateway(t, { limits, builtin: () => echoService })
      const passing = await startGateway(t, { limits, upstream: () => upstream.url })
      for (const { port, recorder } of [builtin, passing]) {
        for (const chunked of [false, true]) {
          const head = await wire.head(port)
          const body = wire.body(head.toString('latin1'), plain)
          const { socket, text } = await rawConnection(t, port)
          const line = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`
          socket.write(splitHead(head, line))
          socket.write(chunked ? asChunks(body) : body)
          const answer = await text()
          assert.match(answer, /^HTTP\/1\.1 200/, answer)
          assert.match(answer, new RegExp(sha256(port === builtin.port ? plain : body)))
          if (port === builtin.port)
            assert.ok(answer.includes(JSON.stringify(wire.trailers)), answer)
          assert.equal(recorder.records().at(-1)?.bytesIn, size)
        }
      }
      assert.equal(upstream.requests.length, 2)
      const [withLength, chunked] = upstream.requests
      assert.ok(withLength?.complete && chunked?.complete)
      assert.equal(withLength.headers['transfer-encoding'], undefined)
    })
  }
}

test('a tampered last chunk of a stream: 403, and the upstream saw a broken request', async (t) => {
  const upstream = await startUpstream(t)
  const { port, recorder } = await startGateway(t, {
    upstream: () => upstream.url,
    limits: { streamFromBytes: 1000 },
  })
  const plain = Buffer.alloc(300_000, 'x')
  const headers = mode('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', plain.length)
  const head = await headBytes(port, { ...put, headers })
  const chunks = [plain.subarray(0, 200_000), plain.subarray(200_000)]
  const body = signedChunks(head.toString('latin1'), chunks)
  body[250_000] = 0x79
  const { socket, text } = await rawConnection(t, port)
  const ended = upstream.nextEnd()
  socket.write(splitHead(head, `content-length: ${body.length}`))
  socket.write(body)
  const answer = await text()
  assert.match(answer, /^HTTP\/1\.1 403/)
  assert.match(answer, /SignatureDoesNotMatch/)
  await ended
  assert.equal(upstream.requests[0]?.complete, false)
  assert.ok((upstream.requests[0]?.body.length ?? body.length) < body.length)
  assert.equal(recorder.records()[0]?.errorCode, 'SignatureDoesNotMatch')
})

test('a stream that fails its hash is refused by a service of Clew too', async (t) => {
  const { url, recorder } = await startGateway(t, {
    builtin: () => echoService,
    limits: { streamFromBytes: 1000 },
  })
  const body = Buffer.alloc(50_000, 'x')
  const content = Buffer.from(body)
  content[49_999] = 0x79
  const answer = await send(url, { ...put, body }, content)
  assert.equal(answer.status, 400)
  assert.match(await answer.text(), /<Code>XAmzContentSHA256Mismatch</)
  assert.equal(recorder.records()[0]?.status, 400)
})
