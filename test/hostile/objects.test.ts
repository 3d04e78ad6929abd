/** The built-in S3: names, XML, ranges, metadata, lists and uploads that nobody honest sends. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type Case, checkCases, type Sending, startTarget, type Target } from './support.ts'

const BUCKET = '/object-bucket'
const KEY = `${BUCKET}/key`

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: BUCKET })).status, 200)
  assert.equal((await target.send({ method: 'PUT', path: KEY, body: 'hello' })).status, 200)
})
after(() => target.stop())

const md5 = (body: string | Buffer): string => createHash('md5').update(body).digest('base64')
const deletion = (body: string | Buffer): Sending => ({
  ...{ method: 'POST', path: BUCKET, query: 'delete=', body },
  headers: { 'content-md5': md5(body) },
})
const object = (key: string): string => `<Object><Key>${key}</Key></Object>`

describe('names', () => {
  it('of keys are opaque: never a path, always what was written', async () => {
    const keys = [
      '../../../etc/passwd',
      '%2e%2e/%2e%2e/x',
      '..%2f..%2fy',
      '/leading',
      'a%00b',
      '.',
      '..',
      'k'.repeat(1024),
      'C:%5cx',
      '%f0%9f%98%80',
      '%0d%0aX-Injected:%201%1b%5b31m',
      '%3C%26%3E%22%27',
      '%e2%80%ae',
      '%ef%bf%bf',
    ]
    for (const [index, key] of keys.entries()) {
      const path = `/name-bucket/${key}`
      if (index === 0) await target.send({ method: 'PUT', path: '/name-bucket' })
      assert.equal(
        (await target.send({ method: 'PUT', path, body: `content ${index}` })).status,
        200,
        key,
      )
    }
    for (const [index, key] of keys.entries()) {
      assert.equal(
        (await target.send({ path: `/name-bucket/${key}` })).body,
        `content ${index}`,
        key,
      )
    }
    const plain = await target.send({ path: '/name-bucket', query: 'list-type=2' })
    assert.match(plain.body, /<Key>&lt;&amp;&gt;&quot;'<\/Key>/)
    assert.match(plain.body, /<Key>&#xd;&#xa;X-Injected: 1&#x1b;\[31m<\/Key>/)
    assert.doesNotMatch(plain.body.replaceAll('\n', ''), /(?![\x80-\x9f])\p{Cc}/u)
    const url = await target.send({ path: '/name-bucket', query: 'encoding-type=url&list-type=2' })
    assert.equal(url.body.match(/<Key>/g)?.length, keys.length)
    await target.stillAnswers('keys')
  })

  it('that are none are refused', () =>
    checkCases(target, [
      ['no UTF-8', { method: 'PUT', path: `${BUCKET}/%ff%fe` }, 400, 'InvalidURI'],
      ['no escape', { method: 'PUT', path: `${BUCKET}/%zz` }, 400, 'InvalidURI'],
      ['overlong UTF-8', { method: 'PUT', path: `${BUCKET}/%c0%ae` }, 400, 'InvalidURI'],
      ['a surrogate', { method: 'PUT', path: `${BUCKET}/%ed%a0%80` }, 400, 'InvalidURI'],
      [
        '1,025 bytes',
        { method: 'PUT', path: `${BUCKET}/${'k'.repeat(1025)}` },
        400,
        'KeyTooLongError',
      ],
      ['a query of no UTF-8', { path: BUCKET, query: 'list-type=2&prefix=%ff' }, 400, 'InvalidURI'],
      ...[
        '%2e%2e',
        '%00',
        'A',
        'a_b',
        'a..b',
        'a'.repeat(300),
        '127.0.0.1',
        'a%0ab',
        '%f0%9f%98%80',
        '__proto__',
      ].map((name): Case => [name, { method: 'PUT', path: `/${name}` }, 400, 'InvalidBucketName']),
      ['another folder', { method: 'PUT', path: '/../../etc/passwd' }, 404, 'NoSuchBucket'],
    ]))
})

describe('XML', () => {
  it('is small, plain and bounded', { timeout: 15_000 }, () =>
    checkCases(target, [
      ['1,001 keys', deletion(`<Delete>${object('k').repeat(1001)}</Delete>`), 400, 'MalformedXML'],
      [
        'more than the limit',
        deletion(`<Delete>${object('k'.repeat(1000)).repeat(4300)}</Delete>`),
        400,
        'MalformedXML',
      ],
      [
        'laughs',
        deletion(
          `<!DOCTYPE l [<!ENTITY a "l"><!ENTITY b "&a;&a;">]><Delete>${object('&b;')}</Delete>`,
        ),
        400,
        'MalformedXML',
      ],
      [
        'an external entity',
        deletion(
          `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete>${object('&x;')}</Delete>`,
        ),
        400,
        'MalformedXML',
      ],
      ['an unknown entity', deletion(`<Delete>${object('&foo;')}</Delete>`), 400, 'MalformedXML'],
      [
        'a member of Object',
        deletion(`<Delete>${object('&constructor;')}</Delete>`),
        400,
        'MalformedXML',
      ],
      ['another', deletion(`<Delete>${object('&toString;')}</Delete>`), 400, 'MalformedXML'],
      ['a surrogate', deletion(`<Delete>${object('&#xD800;')}</Delete>`), 400, 'MalformedXML'],
      ['beyond Unicode', deletion(`<Delete>${object('&#x110000;')}</Delete>`), 400, 'MalformedXML'],
      [
        '500,000 ampersands',
        deletion(`<Delete>${object('&'.repeat(500_000))}</Delete>`),
        400,
        'MalformedXML',
      ],
      [
        'no UTF-8',
        deletion(Buffer.from('<Delete><Object><Key>\xff</Key></Object></Delete>', 'latin1')),
        400,
        'MalformedXML',
      ],
      [
        'UTF-16',
        deletion(Buffer.from(`\ufeff<Delete>${object('k')}</Delete>`, 'utf16le')),
        400,
        'MalformedXML',
      ],
      [
        '200,000 levels',
        deletion(`<Delete>${'<a>'.repeat(200_000)}${'</a>'.repeat(200_000)}</Delete>`),
        400,
        'MalformedXML',
      ],
      [
        '__proto__',
        deletion(`<Delete><__proto__>x</__proto__>${object('k')}</Delete>`),
        400,
        'MalformedXML',
      ],
      ['a million <', deletion(`<Delete>${'<'.repeat(1_000_000)}`), 400, 'MalformedXML'],
      ['nothing', deletion(''), 400, 'MalformedXML'],
    ]),
  )

  it('takes no more time than it has bytes', { timeout: 15_000 }, async () => {
    // An attribute's name that never meets its equals sign: quadratic for a careless expression.
    const body = `<Tagging ${'a'.repeat(500_000)} "="></Tagging>`
    const anonymous = await target.raw(
      `PUT ${BUCKET}?tagging HTTP/1.1\r\nhost: ${target.host}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    assert.deepEqual([anonymous.status, anonymous.code], [403, 'AccessDenied'])
    const put = { method: 'PUT', path: BUCKET, query: 'tagging=', body }
    const signed = await target.send(put)
    assert.deepEqual([signed.status, signed.code], [400, 'MalformedXML'])
    await target.stillAnswers('attributes')
  })
})

describe('parameters', () => {
  it('of ranges are numbers, however long', { timeout: 15_000 }, async () => {
    const rows: [range: string, status: number][] = [
      ['bytes=99999999999999999999-', 416],
      [`bytes=${'9'.repeat(5_000)}-`, 416],
      ['bytes=-0', 416],
      ['bytes=-99999999999999999999', 206],
      [`bytes=0-${'9'.repeat(400)}`, 206],
      ['bytes=5-1', 200],
      ['bytes=0-0,1-1', 200],
      ['bytes=NaN-', 200],
      [`bytes=${' '.repeat(60_000)}x`, 200],
      [`bytes=1-${' '.repeat(60_000)}x`, 200],
      [`bytes= 1${' '.repeat(60_000)}-`, 206],
    ]
    for (const [range, status] of rows) {
      const answer = await target.send({ path: KEY, extra: [`range: ${range}`] })
      assert.equal(answer.status, status, range.slice(0, 40))
    }
    await target.stillAnswers('ranges')
  })

  it('of listings and answers are checked', () =>
    checkCases(target, [
      ['-1 keys', { path: BUCKET, query: 'list-type=2&max-keys=-1' }, 400, 'InvalidArgument'],
      [
        'too many keys',
        { path: BUCKET, query: 'list-type=2&max-keys=99999999999' },
        400,
        'InvalidArgument',
      ],
      [
        'a token that is none',
        { path: BUCKET, query: 'continuation-token=abc&list-type=2' },
        400,
        'InvalidArgument',
      ],
      [
        'an answer’s header',
        { path: KEY, query: 'response-content-type=a%0d%0aX%3a1' },
        400,
        'InvalidArgument',
      ],
      [
        'no Latin-1',
        { path: KEY, query: 'response-content-type=%e2%82%ac' },
        400,
        'InvalidArgument',
      ],
      [
        '6,000 parameters',
        { path: BUCKET, query: Array.from({ length: 6000 }, (_, n) => `p${n}=1`).join('&') },
        200,
        '',
      ],
      [
        'two sub-resources',
        { method: 'PUT', path: BUCKET, query: 'acl=&policy=', body: '{}' },
        400,
        'InvalidArgument',
      ],
    ]))

  it('of metadata come back as they were sent', async () => {
    const headers = {
      'x-amz-meta-__proto__': 'one',
      'x-amz-meta-constructor': 'two',
      'x-amz-meta-latin': '\xe9\x80',
      'x-amz-meta-tab': 'a\tb',
    }
    assert.equal(
      (await target.send({ method: 'PUT', path: `${BUCKET}/meta`, headers })).status,
      200,
    )
    const { head } = await target.send({ path: `${BUCKET}/meta` })
    for (const [name, value] of Object.entries(headers)) {
      assert.ok(head.includes(`\r\n${name}: ${value}`), `${name}: ${head}`)
    }
    const large = { 'x-amz-meta-a': 'a'.repeat(3_000) }
    await checkCases(target, [
      ['3,000 bytes', { method: 'PUT', path: KEY, headers: large }, 400, 'MetadataTooLarge'],
    ])
  })

  it('of policies and tags are bounded', () =>
    checkCases(target, [
      [
        'nested',
        { method: 'PUT', path: BUCKET, query: 'policy=', body: '['.repeat(900_000) },
        400,
        'MalformedPolicy',
      ],
      [
        'no UTF-8',
        {
          method: 'PUT',
          path: BUCKET,
          query: 'policy=',
          body: Buffer.from('{"Statement":"\xff"}', 'latin1'),
        },
        400,
        'MalformedPolicy',
      ],
      [
        '5,000 tags',
        {
          method: 'PUT',
          path: KEY,
          headers: { 'x-amz-tagging': Array.from({ length: 5000 }, (_, n) => `k${n}=v`).join('&') },
        },
        400,
        'InvalidTag',
      ],
    ]))
})

describe('uploads and copies', () => {
  it('refuse odd parts', async () => {
    const path = `${BUCKET}/parts`
    const made = await target.send({ method: 'POST', path, query: 'uploads=' })
    const id = /<UploadId>(.*?)</.exec(made.body)?.[1] ?? ''
    const part = (number: string) =>
      target.send({ method: 'PUT', path, query: `partNumber=${number}&uploadId=${id}`, body: 'x' })
    for (const number of ['0', '-1', '10001', '1e3', 'abc', '99999999999', '1%00']) {
      assert.equal((await part(number)).code, 'InvalidArgument', number)
    }
    const etag = /etag: (.*)/i.exec((await part('1')).head)?.[1] ?? ''
    const complete = (content: string, uploadId = id): Sending => ({
      ...{ method: 'POST', path, query: `uploadId=${uploadId}` },
      body: `<CompleteMultipartUpload>${content}</CompleteMultipartUpload>`,
    })
    const entry = (number: string | number, tag = etag) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`
    await checkCases(target, [
      ['none', complete(''), 400, 'MalformedXML'],
      ['negative', complete(entry(-1)), 400, 'MalformedXML'],
      ['NaN', complete(entry('NaN')), 400, 'MalformedXML'],
      ['twice', complete(entry(1) + entry(1)), 400, 'InvalidPartOrder'],
      ['backwards', complete(entry(2) + entry(1)), 400, 'InvalidPartOrder'],
      ['missing', complete(entry(5)), 400, 'InvalidPart'],
      ['another tag', complete(entry(1, '"x"')), 400, 'InvalidPart'],
      [
        '20,000',
        complete(Array.from({ length: 20_000 }, (_, n) => entry(n + 1)).join('')),
        400,
        'MalformedXML',
      ],
      ['another upload', complete(entry(1), '../../x'), 404, 'NoSuchUpload'],
      ['right', complete(entry(1)), 200, ''],
    ])
  })

  it('refuse odd sources', () => {
    const copy = (source: string, more = {}): Sending => ({
      ...{ method: 'PUT', path: KEY },
      headers: { 'x-amz-copy-source': source, ...more },
    })
    return checkCases(target, [
      ['itself', copy(KEY), 400, 'InvalidRequest'],
      ['another folder', copy('/../../etc/passwd'), 404, 'NoSuchBucket'],
      ['encoded', copy('%2e%2e/%2e%2e/x'), 404, 'NoSuchBucket'],
      ['no UTF-8', copy(`${BUCKET}/%ff`), 400, 'InvalidURI'],
      ['no key', copy('/'), 400, 'InvalidArgument'],
      ['a version', copy(`${KEY}?versionId=x`), 400, 'InvalidArgument'],
      ['a directive', copy(KEY, { 'x-amz-metadata-directive': 'x' }), 400, 'InvalidArgument'],
    ])
  })
})
