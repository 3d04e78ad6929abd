import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { Principal } from '../../event/principal.ts'
import type { TestCallOptions } from './testing/http-adapter.ts'
import { type TestS3, testS3 } from './testing/test-service.ts'

const streamOf = (...pieces: (Buffer | string)[]): Readable =>
  Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  )

const codeOf = (text: string): string | undefined => /<Code>(.*?)<\/Code>/.exec(text)?.[1]

describe('built-in S3 on the wire', () => {
  let s3: TestS3
  before(async () => {
    s3 = await testS3((policy, { action, resource, principal }) => {
      const allows = principal.kind === 'root' && policy.includes(`"${action}"`)
      return allows && policy.includes(resource) ? 'allow' : 'none'
    })
    await s3.ask({ method: 'PUT', path: '/b-1' })
  })
  after(() => s3.close())

  const put = (path: string, body: Buffer | string, headers: Record<string, string> = {}) =>
    s3.ask({
      ...{ method: 'PUT', path, body: streamOf(body) },
      headers: { 'content-length': String(Buffer.byteLength(body)), ...headers },
    })
  const expectFault = async (options: TestCallOptions, status: number, code: string) => {
    const answer = await s3.ask(options)
    assert.deepEqual([answer.status, codeOf(answer.text)], [status, code], JSON.stringify(options))
    return answer
  }

  it('spells errors as S3 does, without a body for HEAD', async () => {
    const answer = await expectFault({ method: 'GET', path: '/b-1/a%26b' }, 404, 'NoSuchKey')
    assert.match(
      answer.text,
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchKey<\/Code>/,
    )
    assert.match(
      answer.text,
      /<Key>a&amp;b<\/Key><Resource>\/b-1\/a%26b<\/Resource><RequestId>[0-9A-Z]{16}<\/RequestId><HostId>/,
    )
    assert.match(answer.headers['x-amz-request-id'] ?? '', /^[0-9A-Z]{16}$/)
    assert.ok(answer.headers['x-amz-id-2'])
    const head = await s3.ask({ method: 'HEAD', path: '/b-1/absent' })
    assert.deepEqual([head.status, head.text], [404, ''])
    assert.ok(head.headers['x-amz-request-id'])
  })

  it('does only what it was recorded as', async () => {
    const both = { method: 'PUT', path: '/b-1', query: 'acl&policy', body: streamOf('{}') }
    await expectFault({ ...both, operation: 'PutBucketAcl' }, 400, 'InvalidArgument')
    const plain = { method: 'GET', path: '/b-1', operation: 'ListObjects' }
    assert.equal((await s3.ask(plain)).status, 200)
  })

  it('keeps metadata of any name', async () => {
    const headers = { 'x-amz-meta-__proto__': 'one', 'x-amz-meta-constructor': 'two' }
    assert.equal((await put('/b-1/names', 'x', headers)).status, 200)
    const answer = await s3.ask({ method: 'GET', path: '/b-1/names' })
    for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers[name], value)
    await s3.ask({ method: 'DELETE', path: '/b-1/names' })
  })

  it('ignores a range of nothing but space, at once', { timeout: 10_000 }, async () => {
    assert.equal((await put('/b-1/range', 'hello')).status, 200)
    const space = ' '.repeat(1_000_000)
    for (const [range, status] of [
      [`bytes=${space}x`, 200],
      [`bytes=1-${space}x`, 200],
      [`bytes = 1 - 2`, 206],
    ] as const) {
      const answer = await s3.ask({ method: 'GET', path: '/b-1/range', headers: { range } })
      assert.equal(answer.status, status, range.slice(0, 20))
    }
    await s3.ask({ method: 'DELETE', path: '/b-1/range' })
  })

  it('refuses malformed addresses', async () => {
    for (const path of ['/b-1/%ff', '/b-1/%zz', '/b-1/%c3%28', '/b-1/%ed%a0%80', '/%']) {
      await expectFault({ method: 'GET', path }, 400, 'InvalidURI')
    }
    await expectFault({ method: 'GET', path: '/b-1', query: 'prefix=%ff' }, 400, 'InvalidURI')
    await expectFault({ method: 'GET', path: `/b-1/${'k'.repeat(1025)}` }, 400, 'KeyTooLongError')
    for (const name of ['ab', 'Upper', '1.2.3.4', 'a..b', '..', 'xn--abc', '-abc', 'a_b_c']) {
      await expectFault({ method: 'PUT', path: `/${name}` }, 400, 'InvalidBucketName')
    }
    await expectFault(
      { method: 'PUT', path: '/b-1', query: 'policyStatus' },
      405,
      'MethodNotAllowed',
    )
    await expectFault({ method: 'PATCH', path: '/b-1/k' }, 405, 'MethodNotAllowed')
    await expectFault({ method: 'GET', path: '/b-2/k' }, 404, 'NoSuchBucket')
    await expectFault(
      { method: 'GET', path: '/b-1/k', query: 'versionId=abc' },
      400,
      'InvalidArgument',
    )
  })

  it('takes keys that look like paths as keys', async () => {
    for (const path of ['/b-1/../b-2/x', '/b-1//lead', '/b-1/a//b/', '/b-1/%2e%2e/%00']) {
      assert.equal((await put(path, path)).status, 200)
      assert.equal((await s3.ask({ method: 'GET', path })).text, path)
      await s3.ask({ method: 'DELETE', path })
    }
    const { text } = await s3.ask({ method: 'GET', path: '/b-1' })
    assert.match(text, /<IsTruncated>false<\/IsTruncated><\/ListBucketResult>$/)
  })

  it('verifies digests, and stores nothing of what does not match', async () => {
    const right = createHash('md5').update('text').digest('base64')
    const sha = createHash('sha256').update('text').digest('base64')
    const path = '/b-1/digest'
    const refused: [Record<string, string>, string][] = [
      [{ 'content-md5': createHash('md5').update('x').digest('base64') }, 'BadDigest'],
      [{ 'content-md5': 'short' }, 'InvalidDigest'],
      [{ 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
      [{ 'x-amz-checksum-sha256': `${'A'.repeat(43)}=` }, 'BadDigest'],
      [{ 'x-amz-checksum-sha256': 'AAAA' }, 'InvalidRequest'],
      [{ 'x-amz-checksum-sha256': sha, 'x-amz-checksum-crc32': 'AAAAAA==' }, 'InvalidRequest'],
      [{ 'x-amz-sdk-checksum-algorithm': 'SHA256' }, 'InvalidRequest'],
      [{ 'content-length': '5' }, 'IncompleteBody'],
      [{ 'content-length': '6000000000' }, 'EntityTooLarge'],
      [{ 'content-length': 'many' }, 'MissingContentLength'],
      [{ 'x-amz-trailer': 'x-amz-checksum-sha1' }, 'InvalidRequest'],
      [{ 'x-amz-meta-a': 'x'.repeat(2048) }, 'MetadataTooLarge'],
      [{ 'x-amz-storage-class': 'LUKEWARM' }, 'InvalidStorageClass'],
      [{ 'x-amz-tagging': 'a=1&a=2' }, 'InvalidArgument'],
      [{ 'x-amz-acl': 'public-read' }, 'AccessControlListNotSupported'],
    ]
    for (const [headers, code] of refused) {
      const answer = await put(path, 'text', headers)
      assert.equal(codeOf(answer.text), code, JSON.stringify(headers))
    }
    await expectFault({ method: 'GET', path }, 404, 'NoSuchKey')
    const answer = await put(path, 'text', { 'content-md5': right, 'x-amz-checksum-sha256': sha })
    assert.equal(answer.headers['x-amz-checksum-sha256'], sha)
    const trailed = await s3.ask({
      ...{ method: 'PUT', path, body: streamOf('te', 'xt') },
      headers: { 'x-amz-decoded-content-length': '4', 'x-amz-trailer': 'x-amz-checksum-sha256' },
      trailers: { 'x-amz-checksum-sha256': sha },
    })
    assert.equal(trailed.status, 200)
  })

  it('refuses by name what it does not have', async () => {
    const headers: Record<string, string>[] = [
      { 'x-amz-server-side-encryption': 'aws:kms' },
      { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
      { 'x-amz-object-lock-mode': 'GOVERNANCE' },
      { 'x-amz-website-redirect-location': '/x' },
    ]
    for (const header of headers) {
      const answer = await put('/b-1/k', 'x', header)
      assert.deepEqual([answer.status, codeOf(answer.text)], [501, 'NotImplemented'])
      assert.ok(answer.text.includes(Object.keys(header)[0] ?? '?'))
    }
    const answer = await expectFault(
      { method: 'PUT', path: '/b-1', query: 'versioning' },
      501,
      'NotImplemented',
    )
    assert.match(answer.text, /PutBucketVersioning/)
  })

  it('answers the code that a body fails with, and stores nothing', async () => {
    const fail = (code: string) =>
      Readable.from(
        (async function* () {
          yield randomBytes(70_000)
          throw Object.assign(new Error('it does not match'), { code })
        })(),
        { objectMode: false },
      )
    const headers = { 'content-length': '100000' }
    for (const [code, status] of [
      ['XAmzContentSHA256Mismatch', 400],
      ['SignatureDoesNotMatch', 403],
      ['IncompleteBody', 400],
    ] as const) {
      const path = '/b-1/failed'
      await expectFault({ method: 'PUT', path, headers, body: fail(code) }, status, code)
      await expectFault({ method: 'GET', path }, 404, 'NoSuchKey')
      await expectFault({ method: 'DELETE', path, body: fail(code) }, status, code)
    }
    const gone = { method: 'PUT', path: '/b-1/gone', headers, body: fail('ECONNRESET') }
    await expectFault(gone, 400, 'IncompleteBody')
    await expectFault({ ...gone, body: fail('EIO') }, 500, 'InternalError')
  })

  it('refuses XML with document types, of wrong shape, or too large', async () => {
    const tag = (body: string) => ({
      ...{ method: 'PUT', path: '/b-1', query: 'tagging', body: streamOf(body) },
    })
    const bodies = [
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Tagging><TagSet/></Tagging>',
      '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
      '<Tagging><TagSet>',
      '<Other/>',
      '{}',
      '',
      `<Tagging>${' '.repeat(1024 * 1024)}<TagSet/></Tagging>`,
      '<Tagging><TagSet><Tag><Key>&unknown;</Key><Value/></Tag></TagSet></Tagging>',
    ]
    for (const body of bodies) await expectFault(tag(body), 400, 'MalformedXML')
    const policy = (text: string) => ({
      ...{ method: 'PUT', path: '/b-1', query: 'policy', body: streamOf(text) },
    })
    for (const text of [
      '',
      '{',
      '[]',
      '{"Statement":[]}',
      '{"Version":"1999-01-01","Statement":[{}]}',
    ]) {
      await expectFault(policy(text), 400, 'MalformedPolicy')
    }
  })

  it('knows owners: foreign roots need the policy, others it too, nobody is anonymous', async () => {
    const foreign = { principal: { kind: 'root', account: '222222222222' } } as const
    const user: { principal: Principal } = {
      principal: {
        ...{ kind: 'user', account: '123456789012', userId: 'AIDA' },
        ...{ path: '/', userName: 'u' },
      },
    }
    const anonymous = { principal: { kind: 'anonymous' } } as const
    await put('/b-1/shared', 'shared')
    const get = { method: 'GET', path: '/b-1/shared' }
    for (const caller of [foreign, user, anonymous]) {
      await expectFault({ ...get, ...caller }, 403, 'AccessDenied')
      await expectFault({ method: 'GET', path: '/b-1', ...caller }, 403, 'AccessDenied')
    }
    await expectFault({ method: 'GET', path: '/', ...user }, 403, 'AccessDenied')
    await expectFault({ method: 'GET', path: '/', ...anonymous }, 403, 'AccessDenied')
    await expectFault({ method: 'PUT', path: '/b-1', ...foreign }, 409, 'BucketAlreadyExists')
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Effect: 'Allow', Principal: { AWS: '222222222222' }, Action: ['s3:GetObject'] },
          Resource: 'arn:aws:s3:::b-1/shared',
        },
      ],
    })
    const body = streamOf(policy)
    await s3.ask({ method: 'PUT', path: '/b-1', query: 'policy', body })
    assert.equal((await s3.ask({ ...get, ...foreign })).text, 'shared')
    await expectFault({ ...get, method: 'DELETE', ...foreign }, 403, 'AccessDenied')
    // Whoever may not list does not learn what is missing.
    await expectFault({ method: 'GET', path: '/b-1/other', ...foreign }, 403, 'AccessDenied')
    const headers = { 'x-amz-expected-bucket-owner': '222222222222' }
    await expectFault({ ...get, headers }, 403, 'AccessDenied')
  })

  it('keeps public policies from others while RestrictPublicBuckets is set', async () => {
    const foreign = { principal: { kind: 'root', account: '222222222222' } } as const
    const get = { method: 'GET', path: '/b-1/shared', ...foreign }
    const block = (restrict: boolean) =>
      s3.ask({
        ...{ method: 'PUT', path: '/b-1', query: 'publicAccessBlock' },
        body: streamOf(
          `<PublicAccessBlockConfiguration><BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>${restrict}</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
        ),
      })
    const policy = {
      ...{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'] },
      Resource: 'arn:aws:s3:::b-1/shared',
    }
    await put('/b-1/shared', 'shared')
    await block(true)
    const body = streamOf(JSON.stringify({ Version: '2012-10-17', Statement: policy }))
    const answer = await s3.ask({ method: 'PUT', path: '/b-1', query: 'policy', body })
    assert.equal(answer.status, 204)
    await expectFault(get, 403, 'AccessDenied')
    await block(false)
    assert.equal((await s3.ask(get)).text, 'shared')
    await expectFault({ ...get, principal: { kind: 'anonymous' } }, 403, 'AccessDenied')
  })

  it('never lets a query write headers of the answer', async () => {
    await put('/b-1/k', 'x')
    const query = 'response-content-type=a%0d%0aset-cookie:x'
    await expectFault({ method: 'GET', path: '/b-1/k', query }, 400, 'InvalidArgument')
  })

  it('holds the region rules of CreateBucket', async () => {
    const create = (name: string, region: string, constraint?: string) => ({
      ...{ method: 'PUT', path: `/${name}`, region },
      ...(constraint !== undefined && {
        body: streamOf(
          `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${constraint}</LocationConstraint></CreateBucketConfiguration>`,
        ),
      }),
    })
    const illegal = 'IllegalLocationConstraintException'
    await expectFault(create('r-1', 'eu-west-1'), 400, illegal)
    await expectFault(create('r-1', 'eu-west-1', 'eu-west-2'), 400, illegal)
    await expectFault(create('r-1', 'us-east-1', 'us-east-1'), 400, 'InvalidLocationConstraint')
    await expectFault(create('r-1', 'us-east-1', 'nowhere'), 400, 'InvalidLocationConstraint')
    assert.equal((await s3.ask(create('r-1', 'us-east-1', 'EU'))).status, 200)
    const location = await s3.ask({ method: 'GET', path: '/r-1', query: 'location' })
    assert.match(location.text, /<LocationConstraint xmlns="[^"]+">EU<\/LocationConstraint>$/)
    const head = await s3.ask({ method: 'HEAD', path: '/r-1' })
    assert.equal(head.headers['x-amz-bucket-region'], 'eu-west-1')
    const own = await s3.ask({ method: 'GET', path: '/b-1', query: 'location' })
    assert.match(own.text, /<LocationConstraint xmlns="[^"]+"><\/LocationConstraint>$/)
  })
})
