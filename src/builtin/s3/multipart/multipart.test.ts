import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { type TestS3, testS3 } from '../testing/test-service.ts'

const streamOf = (...pieces: (Buffer | string)[]): Readable =>
  Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  )

const codeOf = (text: string): string | undefined => /<Code>(.*?)<\/Code>/.exec(text)?.[1]

describe('multipart uploads on the wire', () => {
  let s3: TestS3
  before(async () => {
    s3 = await testS3()
    await s3.ask({ method: 'PUT', path: '/b-1' })
  })
  after(() => s3.close())

  const path = '/b-1/big'
  const create = async (headers: Record<string, string> = {}) => {
    const { text } = await s3.ask({ method: 'POST', path, query: 'uploads', headers })
    return /<UploadId>(.*?)<\/UploadId>/.exec(text)?.[1] ?? ''
  }
  const part = async (id: string, number: number, body: Buffer, headers = {}) => {
    const answer = await s3.ask({
      ...{ method: 'PUT', path, query: `partNumber=${number}&uploadId=${id}` },
      ...{ body: streamOf(body), headers: { 'content-length': String(body.length), ...headers } },
    })
    return answer.headers.etag ?? answer.text
  }
  const complete = (id: string, parts: [number, string][], headers = {}) => {
    const list = parts.map(
      ([n, etag]) => `<Part><PartNumber>${n}</PartNumber><ETag>${etag}</ETag></Part>`,
    )
    const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
    return s3.ask({ method: 'POST', path, query: `uploadId=${id}`, body: streamOf(body), headers })
  }
  const FULL = randomBytes(5 * 1024 * 1024)

  it('checks the list of parts', async () => {
    const id = await create()
    const one = await part(id, 1, FULL)
    const small = await part(id, 3, Buffer.from('small'))
    const last = await part(id, 7, Buffer.from('last'))
    const code = async (parts: [number, string][]) => codeOf((await complete(id, parts)).text)
    assert.equal(await code([]), 'MalformedXML')
    assert.equal(
      await code([
        [3, small],
        [1, one],
      ]),
      'InvalidPartOrder',
    )
    assert.equal(
      await code([
        [1, one],
        [1, one],
      ]),
      'InvalidPartOrder',
    )
    assert.equal(
      await code([
        [1, one],
        [2, one],
      ]),
      'InvalidPart',
    )
    assert.equal(await code([[1, small]]), 'InvalidPart')
    assert.equal(
      await code([
        [1, one],
        [3, small],
        [7, last],
      ]),
      'EntityTooSmall',
    )
    const done = await complete(id, [
      [1, one],
      [7, last],
    ])
    assert.equal(done.status, 200)
    const again = await complete(id, [
      [1, one],
      [7, last],
    ])
    assert.equal(again.text, done.text)
    const got = await s3.ask({ method: 'GET', path, query: 'partNumber=2' })
    assert.deepEqual([got.status, got.text], [206, 'last'])
    assert.equal(codeOf((await complete('none', [[1, one]])).text), 'NoSuchUpload')
  })

  it('lists and aborts uploads, and drops their files', async () => {
    await s3.ask({ method: 'DELETE', path })
    const [id, other] = [await create(), await create({ 'x-amz-checksum-algorithm': 'SHA256' })]
    const wrong = await part(other, 1, FULL, { 'x-amz-checksum-crc32': 'AAAAAA==' })
    assert.equal(codeOf(wrong), 'InvalidRequest')
    await part(id, 2, Buffer.from('two'))
    await part(id, 1, Buffer.from('one'))
    await part(id, 1, Buffer.from('one again'))
    const listed = await s3.ask({ method: 'GET', path, query: `uploadId=${id}&max-parts=1` })
    assert.match(listed.text, /<IsTruncated>true<\/IsTruncated><Part><PartNumber>1<.*<Size>9</)
    const uploads = await s3.ask({ method: 'GET', path: '/b-1', query: 'uploads&max-uploads=1' })
    assert.match(uploads.text, new RegExp(`<NextUploadIdMarker>${id}<`))
    const next = `uploads&key-marker=big&upload-id-marker=${id}`
    const more = await s3.ask({ method: 'GET', path: '/b-1', query: next })
    assert.ok(more.text.includes(`<UploadId>${other}<`) && !more.text.includes(`<UploadId>${id}<`))
    for (const one of [id, other]) {
      const aborted = await s3.ask({ method: 'DELETE', path, query: `uploadId=${one}` })
      assert.equal(aborted.status, 204)
    }
    const gone = await s3.ask({ method: 'GET', path, query: `uploadId=${id}` })
    assert.equal(codeOf(gone.text), 'NoSuchUpload')
  })

  it('copies ranges into parts', async () => {
    const source = Buffer.concat([FULL, Buffer.from('tail')])
    await s3.ask({
      ...{ method: 'PUT', path: '/b-1/source', body: streamOf(source) },
      headers: { 'content-length': String(source.length) },
    })
    const id = await create({ 'x-amz-checksum-algorithm': 'SHA256' })
    const copy = async (number: number, range: string) => {
      const answer = await s3.ask({
        ...{ method: 'PUT', path, query: `partNumber=${number}&uploadId=${id}` },
        headers: { 'x-amz-copy-source': '/b-1/source', 'x-amz-copy-source-range': range },
      })
      return /<ETag>&quot;(.*?)&quot;</.exec(answer.text)?.[1] ?? codeOf(answer.text) ?? ''
    }
    assert.equal(await copy(1, `bytes=0-${source.length}`), 'InvalidArgument')
    const one = await copy(1, `bytes=0-${FULL.length - 1}`)
    const two = await copy(2, `bytes=${FULL.length}-${FULL.length + 3}`)
    const wrong = await complete(
      id,
      [
        [1, one],
        [2, two],
      ],
      { 'x-amz-mp-object-size': '1' },
    )
    assert.equal(codeOf(wrong.text), 'InvalidRequest')
    const done = await complete(id, [
      [1, one],
      [2, two],
    ])
    assert.match(done.text, /<ChecksumSHA256>[^<]+-2<.*<ChecksumType>COMPOSITE</)
    const tail = await s3.ask({ method: 'GET', path, headers: { range: 'bytes=-6' } })
    assert.equal(Buffer.from(tail.text, 'latin1').compare(source.subarray(-6)), 0)
  })
})
