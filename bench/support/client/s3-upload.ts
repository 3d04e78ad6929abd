/** Bodies of an S3 upload in the forms that clients send, made so that sending them costs nothing. */
import { createHash, createHmac } from 'node:crypto'
import { headBytes, REGION, type Signer, signedHeaders } from './signed-request.ts'

/** How the payload is signed: not at all, by its hash, or chunk by chunk. */
export const PAYLOADS = ['unsigned', 'hashed', 'chunked'] as const
export type Payload = (typeof PAYLOADS)[number]

/** What the AWS SDKs send at a time. */
const CHUNK_BYTES = 64 * 1024
const BLOCK_BYTES = 1024 * 1024
const EMPTY_HASH = createHash('sha256').digest('hex')
const CHUNKED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'

export interface Upload {
  readonly head: Buffer
  /** Few distinct buffers, repeated. */
  readonly parts: readonly Buffer[]
}

const block = Buffer.alloc(BLOCK_BYTES, 'clew')
const chunk = block.subarray(0, CHUNK_BYTES)

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
const signedChunks = (
  secret: string,
  headers: Readonly<Record<string, string>>,
  count: number,
): Buffer[] => {
  const time = headers['x-amz-date'] ?? ''
  const day = time.slice(0, 8)
  const scope = `${day}/${REGION}/s3/aws4_request`
  const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${secret}`))
  const hash = createHash('sha256').update(chunk).digest('hex')
  let signature = /Signature=([0-9a-f]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
  const next = (content: string): string => {
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', time, scope, signature, EMPTY_HASH, content]
    signature = hmac(key, text.join('\n')).toString('hex')
    return signature
  }
  const head = (size: number, content: string): Buffer =>
    Buffer.from(`${size.toString(16)};chunk-signature=${next(content)}\r\n`)
  const end = Buffer.from('\r\n')
  const parts = Array.from({ length: count }, () => [head(CHUNK_BYTES, hash), chunk, end]).flat()
  return [...parts, head(0, EMPTY_HASH), end]
}

/** `bytes`: a multiple of 1 MiB. */
export const makeUpload = async (
  signer: Signer,
  path: string,
  bytes: number,
  payload: Payload,
): Promise<Upload> => {
  const blocks = Array.from({ length: bytes / BLOCK_BYTES }, () => block)
  const sign = (headers: Record<string, string>): Promise<Record<string, string>> =>
    signedHeaders(signer, { service: 's3', method: 'PUT', path, headers })
  if (payload !== 'chunked') {
    const hash = createHash('sha256')
    if (payload === 'hashed') for (const each of blocks) hash.update(each)
    const headers = await sign({
      'content-length': String(bytes),
      'x-amz-content-sha256': payload === 'hashed' ? hash.digest('hex') : 'UNSIGNED-PAYLOAD',
    })
    return { head: headBytes('PUT', path, headers), parts: blocks }
  }
  const count = bytes / CHUNK_BYTES
  // 83 bytes around each chunk and its size in hex: what the length must say before the signature.
  const around = (size: number): number => size.toString(16).length + 83
  const headers = await sign({
    'content-length': String(bytes + count * (around(CHUNK_BYTES) + 2) + around(0) + 2),
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': String(bytes),
    'x-amz-content-sha256': CHUNKED,
  })
  const parts = signedChunks(signer.secretAccessKey, headers, count)
  return { head: headBytes('PUT', path, headers), parts }
}
