/** Signatures that were made for something else, somewhere else, some other time. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  amzDate,
  type Case,
  checkCases,
  presigned,
  sha256,
  signedHead,
  startTarget,
  type Target,
} from './support.ts'

const PATH = '/signature-bucket/key'
const MINUTE = 60_000

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: '/signature-bucket' })).status, 200)
  assert.equal((await target.send({ method: 'PUT', path: PATH, body: 'hello' })).status, 200)
})
after(() => target.stop())

describe('signatures', () => {
  it('hold for their own time only', () =>
    checkCases(target, [
      ['year 0', { path: PATH, date: '00000101T000000Z' }, 403, 'RequestTimeTooSkewed'],
      ['year 9999', { path: PATH, date: '99991231T235959Z' }, 403, 'RequestTimeTooSkewed'],
      ['30 February', { path: PATH, date: '20260230T000000Z' }, 403, 'AccessDenied'],
      ['25 o’clock', { path: PATH, date: '20261121T250000Z' }, 403, 'AccessDenied'],
      ['a day', { path: PATH, date: '20261121' }, 403, 'AccessDenied'],
      ['negative', { path: PATH, date: '-0010101T000000Z' }, 400, 'AuthorizationHeaderMalformed'],
      ['NaN', { path: PATH, date: 'NaN' }, 400, 'AuthorizationHeaderMalformed'],
      [
        'ISO with dashes',
        { path: PATH, date: '2026-11-21T11:00:00Z' },
        400,
        'AuthorizationHeaderMalformed',
      ],
      ['old', { path: PATH, date: amzDate(Date.now() - 16 * MINUTE) }, 403, 'RequestTimeTooSkewed'],
      [
        'early',
        { path: PATH, date: amzDate(Date.now() + 16 * MINUTE) },
        403,
        'RequestTimeTooSkewed',
      ],
    ]))

  it('hold for their own request only', async () => {
    const head = signedHead(target.host, target.root, {
      path: PATH,
      extra: ['connection: close'],
    }).text
    assert.equal((await target.raw(head)).status, 200)
    const replays: [name: string, text: string, status: number, code: string][] = [
      ['another path', head.replace('/key HTTP', '/other HTTP'), 403, 'SignatureDoesNotMatch'],
      ['another method', head.replace('GET ', 'DELETE '), 403, 'SignatureDoesNotMatch'],
      ['a query', head.replace('/key HTTP', '/key?tagging HTTP'), 403, 'SignatureDoesNotMatch'],
      [
        'another host',
        head.replace(`host: ${target.host}`, 'host: x.localhost'),
        403,
        'SignatureDoesNotMatch',
      ],
      [
        'an unsigned header',
        head.replace('\r\n\r\n', '\r\nx-amz-copy-source: /a/b\r\n\r\n'),
        403,
        'AccessDenied',
      ],
      [
        'a second Authorization',
        head.replace('\r\n\r\n', '\r\nauthorization: AWS4-HMAC-SHA256 x\r\n\r\n'),
        400,
        'InvalidRequest',
      ],
      [
        'a second date',
        head.replace('\r\n\r\n', '\r\nx-amz-date: 20200101T000000Z\r\n\r\n'),
        400,
        'InvalidRequest',
      ],
      [
        'markup for a key id',
        head.replace(target.root.accessKeyId, '<script>'),
        400,
        'AuthorizationHeaderMalformed',
      ],
      [
        'a long key id',
        head.replace(target.root.accessKeyId, 'A'.repeat(5_000)),
        400,
        'AuthorizationHeaderMalformed',
      ],
      [
        'an unknown key id',
        head.replace(target.root.accessKeyId, 'AKIAAAAAAAAAAAAAAAAA'),
        403,
        'InvalidAccessKeyId',
      ],
      [
        'Basic',
        head.replace(/authorization: [^\r]*/, 'authorization: Basic eDp5'),
        400,
        'InvalidRequest',
      ],
    ]
    for (const [name, text, status, code] of replays) {
      const answer = await target.raw(text)
      assert.deepEqual([answer.status, answer.code], [status, code], `${name}: ${answer.body}`)
    }
    await target.stillAnswers('replays')
  })

  it('name every signed header once, and do not cost more than their bytes', {
    timeout: 15_000,
  }, async () => {
    const date = amzDate()
    const names = `${'a;'.repeat(14_000)}host;x-amz-date`
    const scope = `${date.slice(0, 8)}/us-east-1/cloudtrail/aws4_request`
    const head = [
      'POST / HTTP/1.1',
      `host: ${target.host}`,
      `x-amz-date: ${date}`,
      'connection: close',
      'content-length: 0',
      ...['a: 1', 'a: 2', ...Array.from({ length: 3_500 }, () => 'b: 1')],
      `authorization: AWS4-HMAC-SHA256 Credential=${target.root.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${'0'.repeat(64)}`,
    ]
    const answer = await target.raw(`${head.join('\r\n')}\r\n\r\n`)
    assert.deepEqual(
      [answer.status, answer.code],
      [403, 'IncompleteSignatureException'],
      answer.body,
    )
    await target.stillAnswers('signed headers')
  })

  it('of URLs hold as they were made', async () => {
    const get = (path: string, lines = '', method = 'GET') =>
      target.raw(
        `${method} ${path} HTTP/1.1\r\nhost: ${target.host}\r\nconnection: close\r\n${lines}\r\n`,
      )
    const url = (more: Partial<Parameters<typeof presigned>[2]> = {}) =>
      presigned(target.host, target.root, { path: PATH, ...more })
    assert.equal((await get(url())).body, 'hello')
    const long = 'AuthorizationQueryParametersError'
    const rows: [
      name: string,
      path: string,
      status: number,
      code: string,
      lines?: string,
      method?: string,
    ][] = [
      ['with a header too', url(), 400, 'InvalidArgument', 'authorization: AWS4-HMAC-SHA256 x\r\n'],
      ['twice X-Amz-Expires', `${url()}&X-Amz-Expires=600000`, 400, long],
      ['twice, encoded', `${url()}&%58-Amz-Expires=600000`, 403, 'SignatureDoesNotMatch'],
      ['another case', `${url()}&x-amz-expires=600000`, 403, 'SignatureDoesNotMatch'],
      ['longer', url().replace('Expires=60', 'Expires=61'), 403, 'SignatureDoesNotMatch'],
      ['another key', url().replace('/key?', '/other?'), 403, 'SignatureDoesNotMatch'],
      ['one parameter more', `${url()}&versionId=null`, 403, 'SignatureDoesNotMatch'],
      ['another method', url(), 403, 'SignatureDoesNotMatch', '', 'DELETE'],
      ['an unsigned x-amz header', url(), 403, 'AccessDenied', 'x-amz-meta-a: 1\r\n'],
      ['expired', url({ date: amzDate(Date.now() - 2 * MINUTE) }), 403, 'AccessDenied'],
      ['of the future', url({ date: amzDate(Date.now() + 60 * MINUTE) }), 403, 'AccessDenied'],
      ['a token that is none', url({ more: 'X-Amz-Security-Token=x' }), 400, 'InvalidToken'],
      ...['-1', '604801', '99999999999999999999', 'abc', '1e3', '60.5', '', '%2060']
        .map((expires) => [`expires ${expires}`, url({ expires }), 400, long] as const)
        .map((row) => [...row] as [string, string, number, string]),
    ]
    for (const [name, path, status, code, lines, method] of rows) {
      const answer = await get(path, lines, method)
      assert.deepEqual([answer.status, answer.code], [status, code], `${name}: ${answer.body}`)
    }
    await target.stillAnswers('presigned URLs')
  })

  it('of payloads hold for these bytes', () => {
    const put = (payload: string, body: string, headers: Record<string, string> = {}) => ({
      ...{ method: 'PUT', path: '/signature-bucket/payload', payload, body, headers },
    })
    const stream = (length: string, body: string, headers: Record<string, string> = {}) =>
      put('STREAMING-UNSIGNED-PAYLOAD-TRAILER', body, {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': length,
        ...headers,
      })
    const zeros = '0'.repeat(64)
    const forged = `5;chunk-signature=${zeros}\r\nhello\r\n0;chunk-signature=${zeros}\r\n\r\n`
    const crc = { 'x-amz-trailer': 'x-amz-checksum-crc32' }
    const cases: Case[] = [
      ['another hash', put(sha256('other'), 'hello'), 400, 'XAmzContentSHA256Mismatch'],
      ['no hash', put('zzz', 'hello'), 400, 'InvalidArgument'],
      ['too short', stream('6', '5\r\nhello\r\n0\r\n\r\n'), 400, 'IncompleteBody'],
      ['too long', stream('4', '5\r\nhello\r\n0\r\n\r\n'), 400, 'IncompleteBody'],
      ['a negative length', stream('-5', '5\r\nhello\r\n0\r\n\r\n'), 400, 'InvalidArgument'],
      ['a huge length', stream('9'.repeat(20), '5\r\nhello\r\n0\r\n\r\n'), 400, 'InvalidArgument'],
      [
        'a huge chunk',
        stream('5', 'ffffffffff\r\nhello\r\n0\r\n\r\n'),
        403,
        'InvalidChunkSizeError',
      ],
      [
        'a chunk beyond 64 bits',
        stream('5', `${'f'.repeat(17)}\r\nhello\r\n0\r\n\r\n`),
        400,
        'InvalidRequest',
      ],
      [
        'a trailer nobody named',
        stream('5', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'),
        400,
        'MalformedTrailerError',
      ],
      [
        'a wrong trailer',
        stream('5', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', crc),
        400,
        'BadDigest',
      ],
      [
        'a missing trailer',
        stream('5', '5\r\nhello\r\n0\r\n\r\n', crc),
        400,
        'MalformedTrailerError',
      ],
      [
        '20,000 trailers',
        stream('5', `5\r\nhello\r\n0\r\n${'a:1\r\n'.repeat(20_000)}\r\n`, { 'x-amz-trailer': 'a' }),
        400,
        'MalformedTrailerError',
      ],
      [
        'forged chunks',
        put('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', forged, { 'x-amz-decoded-content-length': '5' }),
        403,
        'SignatureDoesNotMatch',
      ],
    ]
    return checkCases(target, [
      ...cases,
      ['nothing was stored', { path: '/signature-bucket/payload' }, 404, 'NoSuchKey'],
    ])
  })

  it('are for a region, not for a path', async () => {
    const regions = ['..', '.', '../../x', '__proto__', '%2e%2e', '-', 'x'.repeat(65), '']
    for (const region of regions) {
      for (const service of ['cloudtrail', 'sts', 's3']) {
        const answer = await target.send({ service, region, method: 'POST', path: '/' })
        assert.match(
          answer.code,
          /^(IncompleteSignature(Exception)?|AuthorizationHeaderMalformed)$/,
          `${service} in ${region}`,
        )
      }
    }
    for (const region of ['auto', 'xxxx', 'AA-BB-1', 'constructor']) {
      const answer = await target.trail('ListTrails', {}, { region })
      assert.deepEqual([answer.status, answer.code], [403, 'InvalidSignatureException'], region)
    }
    await target.stillAnswers('regions')
  })
})
