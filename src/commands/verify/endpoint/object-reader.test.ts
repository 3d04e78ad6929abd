import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { S3Client } from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import { createObjectReader } from './object-reader.ts'
import { createGetSigner } from './signed-get.ts'

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' }
const AT = Date.UTC(2026, 2, 2, 8, 15, 20)

/** What the SDK's signer wants of a hash. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {}
}

describe('createGetSigner', () => {
  it('signs as the signer of the AWS SDK does', async () => {
    const headers = createGetSigner(CREDENTIALS, 'eu-west-1').sign(
      'bucket.s3.eu-west-1.amazonaws.com',
      '/AWSLogs/a%20b%2B%27c.gz',
      AT,
    )
    const { authorization, ...unsigned } = headers
    const signer = new SignatureV4({
      service: 's3',
      region: 'eu-west-1',
      credentials: CREDENTIALS,
      sha256: Sha256 as never,
      uriEscapePath: false,
      applyChecksum: false,
    })
    const request = {
      method: 'GET',
      protocol: 'https:',
      hostname: 'bucket.s3.eu-west-1.amazonaws.com',
      path: '/AWSLogs/a%20b%2B%27c.gz',
      headers: { ...unsigned },
      query: {},
    }
    const signing = { signingDate: new Date(AT) }
    const signed: unknown = await signer.sign(request as never, signing)
    const expected = (signed as { headers: Record<string, string> }).headers.authorization
    assert.equal(authorization, expected)
  })
})

describe('createObjectReader', () => {
  const asked: { agent: string; path: string }[] = []
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  const server = createServer((request, response) => {
    asked.push({ agent: request.headers['user-agent'] ?? '', path: request.url ?? '' })
    answer(request, response)
  })
  const listening = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())

  const open = async () => {
    await listening
    const { port } = server.address() as AddressInfo
    const s3 = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      credentials: CREDENTIALS,
      forcePathStyle: true,
      maxAttempts: 1,
    })
    asked.length = 0
    const reader = createObjectReader(s3, 4)
    return {
      reader,
      [Symbol.dispose]: () => {
        reader.close()
        s3.destroy()
      },
    }
  }
  const bySdk = () => asked.map(({ agent }) => agent.includes('aws-sdk-js'))

  it('reads the first object of a bucket with the SDK, and the others from where that was', async () => {
    using opened = await open()
    answer = (request, response) => {
      response.setHeader('x-amz-meta-signature', 'abc')
      response.end(`body of ${request.url?.split('?')[0]}`)
    }
    const read = async (key: string) => {
      const object = await opened.reader.read('b', key)
      assert.deepEqual({ ...object?.metadata }, { signature: 'abc' })
      return Buffer.from(object?.body ?? []).toString()
    }
    assert.deepEqual(await Promise.all(['x/1', 'x/2', "x/ü +('"].map(read)), [
      'body of /b/x/1',
      'body of /b/x/2',
      'body of /b/x/%C3%BC%20%2B%28%27',
    ])
    assert.deepEqual(bySdk(), [true, false, false])
  })

  it('knows an absent object, first or later', async () => {
    using opened = await open()
    answer = (_, response) => {
      response.statusCode = 404
      response.end('<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>')
    }
    assert.equal(await opened.reader.read('b', '1'), undefined)
    assert.equal(await opened.reader.read('b', '2'), undefined)
    assert.deepEqual(bySdk(), [true, false, true])
  })

  it('leaves what goes wrong to the SDK: a refusal, an answer that is cut off', async () => {
    using opened = await open()
    answer = (_, response) => response.end('first')
    await opened.reader.read('b', '1')
    answer = (_, response) => {
      response.statusCode = 403
      response.end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>')
    }
    await assert.rejects(opened.reader.read('b', '2'), { name: 'AccessDenied' })
    answer = (request, response) => {
      if (request.headers['user-agent']?.includes('aws-sdk-js')) {
        response.end('whole')
        return
      }
      response.writeHead(200, { 'content-length': '10' })
      response.write('half', () => response.destroy())
    }
    const object = await opened.reader.read('b', '3')
    assert.equal(Buffer.from(object?.body ?? []).toString(), 'whole')
  })
})
