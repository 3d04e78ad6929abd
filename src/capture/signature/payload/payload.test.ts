import assert from 'node:assert/strict'
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestHead } from '../../call.ts'
import { SECRET } from '../signing.test-support.ts'
import { createPayloadDecoder } from './payload-decoder.ts'
import { PayloadError } from './payload-error.ts'
import { EMPTY_SHA256, type PayloadMode, payloadModeOf } from './payload-mode.ts'
import { decodedPayload, decodeWhole, rawPayload } from './payload-streams.ts'

const SCOPE = '20130524/us-east-1/s3/aws4_request'
const AMZ_DATE = '20130524T000000Z'
const key: KeyObject = SCOPE.split('/').reduce(
  (parent, part) => createSecretKey(createHmac('sha256', parent).update(part).digest()),
  createSecretKey(Buffer.from(`AWS4${SECRET}`)),
)
const signing = (seed: string) => ({ key, amzDate: AMZ_DATE, scopeText: SCOPE, seed })

const chunked = (decodedLength: number, seed?: string, trailers?: string[]): PayloadMode => ({
  kind: 'chunked',
  decodedLength,
  trailer: trailers !== undefined,
  trailerNames: trailers ?? [],
  signed: seed !== undefined,
  ...(seed !== undefined && { signing: signing(seed) }),
})

// S3 API reference, "Transferring payload in multiple chunks": 65 KiB of the letter a.
const AWS_SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
const AWS_BODY = Buffer.from(
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${'a'.repeat(65536)}\r\n` +
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n` +
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
)
// The same page's example with a signed trailer.
const AWS_TRAILER_SEED = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
const AWS_TRAILER_BODY = Buffer.from(
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${'a'.repeat(65536)}\r\n` +
    `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${'a'.repeat(1024)}\r\n` +
    '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n' +
    'x-amz-checksum-crc32c:sOO8/Q==\r\n' +
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
)

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'ok'
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error
    assert.ok(error.status >= 400 && error.status < 500)
    return error.code
  }
}

test("chunk signatures: the example of AWS's documentation", () => {
  const { payload } = decodeWhole(chunked(66560, AWS_SEED), AWS_BODY)
  assert.ok(payload.equals(Buffer.alloc(66560, 'a')))
})

test("chunk signatures with a signed trailer: the example of AWS's documentation", () => {
  const mode = chunked(66560, AWS_TRAILER_SEED, ['x-amz-checksum-crc32c'])
  const { payload, trailers } = decodeWhole(mode, AWS_TRAILER_BODY)
  assert.equal(payload.length, 66560)
  assert.deepEqual({ ...trailers }, { 'x-amz-checksum-crc32c': 'sOO8/Q==' })
  const text = AWS_TRAILER_BODY.toString('latin1')
  const wrong = Buffer.from(text.replace('sOO8/Q', 'sOO8/R'), 'latin1')
  assert.equal(
    codeOf(() => decodeWhole(mode, wrong)),
    'SignatureDoesNotMatch',
  )
  const unsigned = Buffer.from(text.replace(/x-amz-trailer-signature:.*\r\n/, ''), 'latin1')
  assert.equal(
    codeOf(() => decodeWhole(mode, unsigned)),
    'MalformedTrailerError',
  )
})

const hmac = (text: string): string => createHmac('sha256', key).update(text).digest('hex')
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Signs chunks and trailers as a client does. */
const signedBody = (chunks: readonly Buffer[], trailers: Record<string, string>): Buffer => {
  let previous = AWS_SEED
  const parts: Buffer[] = []
  for (const chunk of [...chunks.filter((one) => one.length > 0), Buffer.alloc(0)]) {
    previous = hmac(
      `AWS4-HMAC-SHA256-PAYLOAD\n${AMZ_DATE}\n${SCOPE}\n${previous}\n${EMPTY_SHA256}\n${sha256(chunk)}`,
    )
    parts.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`))
    if (chunk.length > 0) parts.push(chunk, Buffer.from('\r\n'))
  }
  const lines = Object.entries(trailers)
  if (lines.length > 0) {
    const canonical = lines.map(([name, value]) => `${name}:${value}\n`).join('')
    const signature = hmac(
      `AWS4-HMAC-SHA256-TRAILER\n${AMZ_DATE}\n${SCOPE}\n${previous}\n${sha256(canonical)}`,
    )
    for (const [name, value] of lines) parts.push(Buffer.from(`${name}:${value}\r\n`))
    parts.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`))
  }
  return Buffer.concat([...parts, Buffer.from('\r\n')])
}

const splitAt = (body: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (body.length + 1)), body.length])].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, index) => body.subarray(places[index], end))
}

const collect = async (stream: Readable): Promise<Buffer> =>
  Buffer.concat((await stream.toArray()).map((part: Buffer) => part))

const bodies = fc.record({
  chunks: fc.array(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    {
      maxLength: 4,
    },
  ),
  trailers: fc.dictionary(
    fc.constantFrom('x-amz-checksum-crc32', 'x-amz-checksum-sha1'),
    fc.base64String(),
  ),
})

test('any chunks in any split decode to the payload and pass on as they were sent', async () => {
  await fc.assert(
    fc.asyncProperty(bodies, fc.array(fc.nat(), { maxLength: 8 }), async (given, cuts) => {
      const plain = Buffer.concat(given.chunks)
      const body = signedBody(given.chunks, given.trailers)
      const names = Object.keys(given.trailers)
      const mode = chunked(plain.length, AWS_SEED, names.length > 0 ? names : undefined)
      const decoded = decodedPayload(mode)
      const parts = splitAt(body, cuts)
      const [payload, raw] = await Promise.all([
        collect(Readable.from(parts).pipe(decoded.stream)),
        collect(Readable.from(parts).pipe(rawPayload(mode).stream)),
      ])
      assert.ok(payload.equals(plain))
      assert.deepEqual({ ...decoded.trailers }, { ...given.trailers })
      assert.ok(raw.equals(body))
    }),
    { numRuns: 200 },
  )
})

test('a split at every single place, and byte by byte', () => {
  const chunks = [Buffer.from('hello'), Buffer.from('\r\n0;x')]
  const body = signedBody(chunks, { 'x-amz-checksum-crc32': 'AAAA' })
  const mode = chunked(10, AWS_SEED, ['x-amz-checksum-crc32'])
  const decode = (parts: Buffer[]): string => {
    const out: Buffer[] = []
    const decoder = createPayloadDecoder(mode, (part) => out.push(part))
    for (const part of parts) decoder.write(part)
    decoder.end()
    assert.deepEqual({ ...decoder.trailers }, { 'x-amz-checksum-crc32': 'AAAA' })
    return Buffer.concat(out).toString()
  }
  for (let at = 0; at <= body.length; at++) {
    assert.equal(decode(splitAt(body, [at])), 'hello\r\n0;x')
  }
  const bytes = splitAt(
    body,
    Array.from(body, (_, at) => at),
  )
  assert.equal(bytes.length, body.length)
  assert.equal(decode(bytes), 'hello\r\n0;x')
})

test('no altered byte passes, and no upstream ever gets the end of such a body', async () => {
  const chunks = [Buffer.from('a first chunk'), Buffer.from('and a second one')]
  const trailers = { 'x-amz-checksum-crc32': 'AAAA' }
  const body = signedBody(chunks, trailers)
  const mode = chunked(29, AWS_SEED, Object.keys(trailers))
  for (let at = 0; at < body.length; at++) {
    const tampered = Buffer.from(body)
    tampered[at] = (tampered[at] ?? 0) ^ 1
    assert.notEqual(
      codeOf(() => decodeWhole(mode, tampered)),
      'ok',
      `byte ${at}`,
    )
    const received: Buffer[] = []
    const upstream = new PassThrough().on('data', (part: Buffer) => received.push(part))
    const sent = pipeline(
      Readable.from(splitAt(tampered, [at, at + 7])),
      rawPayload(mode).stream,
      upstream,
    )
    await assert.rejects(sent, PayloadError)
    assert.ok(Buffer.concat(received).length < body.length)
  }
})

test('a hash that does not match holds the last block back', async () => {
  const parts = [Buffer.from('one'), Buffer.from('two')]
  const right: PayloadMode = { kind: 'hash', sha256: sha256('onetwo') }
  assert.equal(
    (await collect(Readable.from(parts).pipe(rawPayload(right).stream))).toString(),
    'onetwo',
  )
  const wrong: PayloadMode = { kind: 'hash', sha256: sha256('onetwo!') }
  const received: Buffer[] = []
  const upstream = new PassThrough().on('data', (part: Buffer) => received.push(part))
  await assert.rejects(pipeline(Readable.from(parts), rawPayload(wrong).stream, upstream), {
    code: 'XAmzContentSHA256Mismatch',
    status: 400,
  })
  assert.equal(Buffer.concat(received).toString(), 'one')
  assert.equal(
    codeOf(() => decodeWhole(wrong, Buffer.from('onetwo'))),
    'XAmzContentSHA256Mismatch',
  )
})

test('framing: what is malformed, too long, too short or too much', () => {
  const unsigned = (body: string, length = 5, trailers: string[] = []) =>
    codeOf(() => decodeWhole(chunked(length, undefined, trailers), Buffer.from(body)))
  assert.equal(unsigned('5\r\nhello\r\n0\r\n\r\n'), 'ok')
  assert.equal(unsigned('5;ext=1\r\nhello\r\n0\r\n\r\n'), 'ok')
  assert.equal(unsigned('2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-a:1\n\r\n\r\n', 5, ['x-amz-a']), 'ok')
  assert.equal(unsigned(''), 'IncompleteBody')
  assert.equal(unsigned('5\r\nhello\r\n0\r\n'), 'IncompleteBody')
  assert.equal(unsigned('5\r\nhel'), 'IncompleteBody')
  assert.equal(unsigned('5\r\nhello\r\n0\r\n\r\n', 6), 'IncompleteBody')
  assert.equal(unsigned('5\r\nhello\r\n0\r\n\r\n', 4), 'IncompleteBody')
  assert.equal(unsigned('5\r\nhelloo\r\n0\r\n\r\n'), 'InvalidRequest')
  assert.equal(unsigned('5\nhello\r\n0\r\n\r\n'), 'InvalidRequest')
  assert.equal(unsigned('g\r\nhello'), 'InvalidRequest')
  assert.equal(unsigned('-5\r\nhello'), 'InvalidRequest')
  assert.equal(unsigned('5\r\nhello\r\n0\r\n\r\nmore'), 'InvalidRequest')
  assert.equal(unsigned(`5;${'x'.repeat(2000)}\r\nhello`), 'InvalidRequest')
  assert.equal(unsigned('fffffffff\r\nhello'), 'InvalidChunkSizeError')
  assert.equal(unsigned('5\r\nhello\r\n0\r\nx-amz-a:1\r\n\r\n'), 'MalformedTrailerError')
  assert.equal(unsigned('5\r\nhello\r\n0\r\n\r\n', 5, ['x-amz-a']), 'MalformedTrailerError')
  const signed = codeOf(() =>
    decodeWhole(chunked(5, AWS_SEED), Buffer.from('5\r\nhello\r\n0\r\n\r\n')),
  )
  assert.equal(signed, 'InvalidRequest', 'signatures must not be left out')
})

test('the modes that x-amz-content-sha256 names', () => {
  const head = (headers: Record<string, string>): RequestHead => ({
    method: 'PUT',
    rawPath: '/',
    rawQuery: '',
    headers,
  })
  assert.deepEqual(payloadModeOf(head({}), 'UNSIGNED-PAYLOAD'), { kind: 'unsigned' })
  assert.deepEqual(payloadModeOf(head({}), EMPTY_SHA256), { kind: 'hash', sha256: EMPTY_SHA256 })
  const headers = { 'x-amz-decoded-content-length': '7', 'x-amz-trailer': 'X-Amz-A, x-amz-b' }
  assert.deepEqual(payloadModeOf(head(headers), 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'), {
    kind: 'chunked',
    decodedLength: 7,
    trailer: true,
    signed: false,
    trailerNames: ['x-amz-a', 'x-amz-b'],
  })
  for (const value of ['', 'constructor', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'abc']) {
    assert.ok('wrong' in payloadModeOf(head({}), value), value)
  }
})
