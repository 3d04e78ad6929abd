import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestHead } from '../call.ts'
import { readClaim } from './claim.ts'
import {
  ACCESS_KEY,
  directoryOf,
  sign,
  type ToSign,
  testCredential,
} from './signing.test-support.ts'
import { createSignatureVerifier } from './verifier.ts'

const DATE = new Date('2026-03-02T08:14:07Z')
const NOW = DATE.getTime()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const verifierOf = (credential = testCredential(), now = NOW) =>
  createSignatureVerifier({ directory: directoryOf(credential), clock: { now: () => now } })

/** 'ok', or the reason of the refusal; a deferred signature is finished with `body`. */
const outcome = async (
  head: RequestHead,
  body = '',
  verifier = verifierOf(),
  bucket?: string,
): Promise<string> => {
  const claim = readClaim(head)
  if (claim === undefined) return 'missing'
  if ('problem' in claim) return claim.problem.reason
  const verdict = await verifier.verify(head, claim, bucket)
  if ('problem' in verdict) return verdict.problem.reason
  return verdict.finish?.(sha256(body))?.reason ?? 'ok'
}

const text = fc.string({ unit: fc.constantFrom(...'aZ09-_.~ +/&=?:éü%*(\'"'), maxLength: 8 })
const segment = text.map((raw) => `s${encodeURIComponent(raw)}`)
const requests = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
  service: fc.constantFrom('s3', 'dynamodb', 'lambda', 'iam', 's3express'),
  path: fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  query: fc.dictionary(text, text, { maxKeys: 4 }),
  headers: fc.dictionary(
    fc.constantFrom('x-amz-meta-one', 'x-amz-target', 'content-type', 'range'),
    fc.string({ unit: fc.constantFrom(...'ab  ,;1'), minLength: 1, maxLength: 12 }),
  ),
  body: fc.string({ maxLength: 20 }),
})

/** The hash of a body is no part of a presigned S3 URL. */
const toSignOf = (request: Omit<ToSign, 'date'> & { body: string }, presigned: boolean) => ({
  ...request,
  date: DATE,
  ...(presigned && { expiresIn: 60, body: '' }),
})

test('every request that the SDK signed is accepted', async () => {
  await fc.assert(
    fc.asyncProperty(requests, fc.boolean(), async (request, presigned) => {
      const toSign = toSignOf(request, presigned)
      assert.equal(await outcome(await sign(toSign), toSign.body), 'ok')
    }),
    { numRuns: 300 },
  )
})

const other = (char: string): string => (char === 'x' ? 'y' : 'x')
const altered = (value: string, at: number): string =>
  value.slice(0, at) + other(value.charAt(at)) + value.slice(at + 1)

test('a request with any covered byte altered is refused', async () => {
  await fc.assert(
    fc.asyncProperty(requests, fc.nat(), fc.boolean(), async (request, seed, presigned) => {
      const toSign = toSignOf(request, presigned)
      const head = await sign(toSign)
      const target = `${head.rawPath}?${head.rawQuery}`
      const names = Object.keys(head.headers).filter((name) => name !== 'authorization')
      const spots = [
        ...Array.from({ length: target.length - 1 }, (_, at): RequestHead => {
          const [rawPath = '', rawQuery = ''] = altered(target, at + 1).split(/\?(.*)/s)
          return { ...head, rawPath, rawQuery }
        }),
        { ...head, method: head.method === 'GET' ? 'PUT' : 'GET' },
        ...names.map((name): RequestHead => {
          const value = altered(head.headers[name] ?? '', 0)
          return { ...head, headers: { ...head.headers, [name]: value } }
        }),
        { ...head, headers: { ...head.headers, 'x-amz-acl': 'public-read' } },
        { ...head, rawQuery: `${head.rawQuery}&acl` },
      ]
      const spot = spots[seed % spots.length]
      assert.ok(spot)
      assert.notEqual(await outcome(spot, toSign.body), 'ok', JSON.stringify(spot))
    }),
    { numRuns: 600 },
  )
})

test('a body that was not signed is refused once it is read', async () => {
  const head = await sign({ service: 'dynamodb', method: 'POST', body: '{"a":1}', date: DATE })
  assert.equal(await outcome(head, '{"a":1}'), 'ok')
  assert.equal(await outcome(head, '{"a":2}'), 'mismatch')
})

test('every altered character of the Authorization header is refused', async () => {
  const head = await sign({ service: 's3', path: '/bucket/key', date: DATE })
  const value = head.headers.authorization ?? ''
  for (let at = 0; at < value.length; at++) {
    // White space and commas only separate.
    if (/[ ,]/.test(value.charAt(at))) continue
    const authorization = altered(value, at)
    const refused = await outcome({ ...head, headers: { ...head.headers, authorization } })
    assert.notEqual(refused, 'ok', authorization)
  }
})

test('time: skew, expiry and early use', async () => {
  const head = await sign({ service: 's3', date: DATE })
  const at = (ms: number) => outcome(head, '', verifierOf(testCredential(), NOW + ms))
  assert.equal(await at(15 * 60_000), 'ok')
  assert.equal(await at(-15 * 60_000), 'ok')
  assert.equal(await at(15 * 60_000 + 1), 'skewed')
  assert.equal(await at(-15 * 60_000 - 1), 'skewed')
  const url = await sign({ service: 's3', date: DATE, expiresIn: 604_800 })
  const later = (ms: number) => outcome(url, '', verifierOf(testCredential(), NOW + ms))
  assert.equal(await later(604_800_000), 'ok')
  assert.equal(await later(604_800_001), 'url-expired')
  assert.equal(await later(-15 * 60_000 - 1), 'url-early')
  const long = { ...url, rawQuery: url.rawQuery.replace('Expires=604800', 'Expires=604801') }
  assert.equal(await outcome(long), 'malformed')
})

test('temporary credentials need their token, and only until they expire', async () => {
  const session = testCredential({ sessionToken: 'the/token+==', expiresAt: NOW + 1000 })
  const toSign: ToSign = { service: 'sts', date: DATE, sessionToken: 'the/token+==' }
  const head = await sign(toSign)
  assert.equal(await outcome(head, '', verifierOf(session)), 'ok')
  assert.equal(await outcome(head, '', verifierOf(session, NOW + 1000)), 'expired-token')
  const url = await sign({ ...toSign, expiresIn: 60 })
  assert.equal(await outcome(url, '', verifierOf(session)), 'ok')
  const wrong = await sign({ ...toSign, sessionToken: 'another' })
  assert.equal(await outcome(wrong, '', verifierOf(session)), 'bad-token')
  const none = await sign({ service: 'sts', date: DATE })
  assert.equal(await outcome(none, '', verifierOf(session)), 'bad-token')
  assert.equal(await outcome(head, '', verifierOf()), 'bad-token', 'a long-term key has no token')
})

test('keys: unknown, of another secret, replaced under the same id', async () => {
  const head = await sign({ service: 'iam', date: DATE })
  assert.equal(
    await outcome(head, '', verifierOf(testCredential({ accessKeyId: 'AKIAOTHER' }))),
    'unknown-key',
  )
  let credential = testCredential()
  const verifier = createSignatureVerifier({
    directory: { find: async () => credential },
    clock: { now: () => NOW },
  })
  assert.equal(await outcome(head, '', verifier), 'ok')
  credential = testCredential({}, 'a new secret')
  assert.equal(await outcome(head, '', verifier), 'mismatch')
  const anew = await sign({ service: 'iam', date: DATE, secret: 'a new secret' })
  assert.equal(await outcome(anew, '', verifier), 'ok')
})

test('host and every x-amz header must be signed', async () => {
  const head = await sign({ service: 'sqs', date: DATE })
  const headers = { ...head.headers, 'x-amz-target': 'AmazonSQS.SendMessage' }
  assert.equal(await outcome({ ...head, headers }), 'unsigned-header')
  const authorization = (head.headers.authorization ?? '').replace('host;', '')
  assert.equal(
    await outcome({ ...head, headers: { ...head.headers, authorization } }),
    'unsigned-header',
  )
})

test('two signatures, other schemes and broken forms are told apart', async () => {
  const head = await sign({ service: 's3', date: DATE })
  const url = await sign({ service: 's3', date: DATE, expiresIn: 60 })
  const both = { ...url, headers: { ...head.headers, ...url.headers } }
  assert.equal(await outcome(both), 'several')
  const v2 = 'AWSAccessKeyId=A&Signature=B&Expires=1'
  assert.equal(await outcome({ ...url, rawQuery: `${url.rawQuery}&${v2}` }), 'several')
  const withHeader = (authorization: string) =>
    outcome({ ...head, headers: { ...head.headers, authorization } })
  assert.equal(await withHeader(`AWS ${ACCESS_KEY}:c2ln`), 'unsupported')
  assert.equal(await withHeader('Bearer abc'), 'unsupported')
  assert.equal(await withHeader('AWS4-ECDSA-P256-SHA256 Credential=a'), 'malformed')
  assert.equal(await withHeader('AWS4-HMAC-SHA256'), 'malformed')
  const right = head.headers.authorization ?? ''
  assert.equal(await withHeader(right.replace('/eu-west-1', '')), 'malformed')
  assert.equal(await withHeader(`${right}, Signature=${'0'.repeat(64)}`), 'malformed')
  assert.equal(await withHeader(right.replace('20260302', '20260301')), 'malformed')
  assert.equal(await withHeader(right.replace('host;', 'host;host;')), 'malformed')
  for (const region of ['..', '.', '__proto__', '-', 'a..b', 'x'.repeat(65)]) {
    assert.equal(await withHeader(right.replace('/eu-west-1/', `/${region}/`)), 'malformed')
  }
  const { 'x-amz-date': _, ...dateless } = head.headers
  assert.equal(await outcome({ ...head, headers: dateless }), 'no-date')
  const twice = url.rawQuery.replace('X-Amz-Date', 'X-Amz-Date=20260302T081407Z&X-Amz-Date')
  assert.equal(await outcome({ ...url, rawQuery: twice }), 'malformed')
  assert.equal(await outcome({ ...head, headers: { host: 'localhost' } }), 'missing')
})

test('a value keeps its last byte, though a blank in Latin-1 looks the same', async () => {
  const headers = { 'x-amz-meta-place': 'voilà', 'x-amz-meta-two': '\u0420' }
  const head = await sign({ service: 's3', date: DATE, headers })
  const onWire = Object.entries(head.headers).map(([name, value]): [string, string] => [
    name,
    Buffer.from(value).toString('latin1'),
  ])
  assert.equal(await outcome({ ...head, headers: Object.fromEntries(onWire) }), 'ok')
})

test('a signed header must have been sent, even when it is empty', async () => {
  const head = await sign({ service: 's3', date: DATE, headers: { range: '' } })
  assert.equal(await outcome(head), 'ok')
  const { range: _, ...headers } = head.headers
  assert.equal(await outcome({ ...head, headers }), 'mismatch')
})

test('S3 wants x-amz-content-sha256, and knows its values', async () => {
  const head = await sign({ service: 's3', date: DATE })
  const { 'x-amz-content-sha256': _, ...headers } = head.headers
  assert.equal(await outcome({ ...head, headers }), 'bad-payload')
  const strange = { 'x-amz-content-sha256': 'STREAMING-SOMETHING' }
  assert.equal(
    await outcome(await sign({ service: 's3', date: DATE, headers: strange })),
    'bad-payload',
  )
})

test('S3 paths verify as sent and as S3 encodes them; others are normalised', async () => {
  const encoded = await sign({ service: 's3', path: '/bucket/a%3Ab%28c%29/../d', date: DATE })
  assert.equal(await outcome({ ...encoded, rawPath: '/bucket/a:b(c)/../d' }), 'ok')
  assert.equal(await outcome({ ...encoded, rawPath: '/bucket/d' }), 'mismatch')
  const literal = await sign({ service: 's3', path: '/bucket/a:b(c)//d', date: DATE })
  assert.equal(await outcome(literal), 'ok')
  const lambda = await sign({ service: 'lambda', path: '/a/./b//c%3A/../d/', date: DATE })
  assert.equal(await outcome(lambda), 'ok')
  assert.equal(await outcome({ ...lambda, rawPath: '/a/b/d/' }), 'ok')
})

test('a repeated header is joined by a bare comma', async () => {
  const head = await sign({ service: 's3', headers: { 'x-amz-meta-a': 'one,two' }, date: DATE })
  const headers = { ...head.headers, 'x-amz-meta-a': 'one, two' }
  const rawHeaders = ['X-Amz-Meta-A', 'one', 'x-amz-meta-a', ' two ']
  assert.equal(await outcome({ ...head, headers }), 'mismatch')
  const claim = readClaim(head)
  assert.ok(claim !== undefined && !('problem' in claim))
  const verdict = await verifierOf().verify({ ...head, headers, rawHeaders }, claim)
  assert.ok(!('problem' in verdict))
})

test("SigV2: the example of AWS's documentation", async () => {
  const head: RequestHead = {
    method: 'GET',
    rawPath: '/photos/puppy.jpg',
    rawQuery: `AWSAccessKeyId=${ACCESS_KEY}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620`,
    headers: { host: 'johnsmith.s3.amazonaws.com' },
  }
  const at = (seconds: number, bucket = 'johnsmith', given = head) =>
    outcome(given, '', verifierOf(testCredential(), seconds * 1000), bucket)
  assert.equal(await at(1175139620), 'ok')
  assert.equal(await at(1175139621), 'url-expired')
  assert.equal(await at(1175139620, 'johnsmitH'), 'mismatch')
  assert.equal(await at(1175139620, 'johnsmith', { ...head, method: 'PUT' }), 'mismatch')
  assert.equal(
    await at(1175139620, 'johnsmith', { ...head, rawQuery: `acl&${head.rawQuery}` }),
    'mismatch',
  )
  const headers = { ...head.headers, 'x-amz-acl': 'public-read' }
  assert.equal(await at(1175139620, 'johnsmith', { ...head, headers }), 'mismatch')
})
