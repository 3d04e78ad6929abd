/** Requests signed ahead of time, as bytes on the wire: sent again and again, so signing costs nothing. */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

export interface Signer {
  /** With port. */
  readonly host: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** us-east-1 where it is absent. */
  readonly region?: string
}

export const REGION = 'us-east-1'

class NodeSha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac(
            'sha256',
            typeof secret === 'string' ? secret : new Uint8Array(secret as ArrayBuffer),
          )
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    if (typeof data === 'string') this.#hash.update(data)
    else if (ArrayBuffer.isView(data)) {
      this.#hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    } else this.#hash.update(new Uint8Array(data))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {}
}

interface ToSign {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** All headers to send, `authorization` among them. */
export const signedHeaders = async (
  { host, accessKeyId, secretAccessKey, region = REGION }: Signer,
  { service, method, path, headers, body }: ToSign,
): Promise<Record<string, string>> => {
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: NodeSha256 as never,
    applyChecksum: false,
    uriEscapePath: service !== 's3',
  })
  const [hostname = '', port = ''] = host.split(':')
  const request = {
    ...{ method, path, body, hostname },
    protocol: 'http:',
    port: Number(port),
    query: {},
    headers: { host, 'user-agent': 'clew-bench', ...headers },
  }
  const signed: unknown = await signer.sign(request as never)
  return (signed as { headers: Record<string, string> }).headers
}

/** The request up to its body. */
export const headBytes = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Buffer => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

/** A call in the JSON protocol. */
export const signedRequest = async (
  options: Signer & {
    readonly signingName: string
    readonly target: string
    readonly body: string
    readonly version?: '1.0' | '1.1'
  },
): Promise<Buffer> => {
  const { body, signingName: service, target, version = '1.0' } = options
  const plain = {
    'content-type': `application/x-amz-json-${version}`,
    'content-length': String(Buffer.byteLength(body)),
    'x-amz-target': target,
  }
  const call = { service, method: 'POST', path: '/', headers: plain, body }
  const headers = await signedHeaders(options, call)
  return Buffer.concat([headBytes('POST', '/', headers), Buffer.from(body)])
}
