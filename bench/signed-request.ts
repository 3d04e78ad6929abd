/** One signed JSON request as the bytes on the wire: sent again and again, so signing costs nothing. */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

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

export const signedRequest = async (options: {
  host: string
  signingName: string
  target: string
  body: string
  accessKeyId: string
  secretAccessKey: string
}): Promise<Buffer> => {
  const { host, body } = options
  const signer = new SignatureV4({
    service: options.signingName,
    region: 'us-east-1',
    credentials: options,
    sha256: NodeSha256 as never,
    applyChecksum: false,
  })
  const [hostname = '', port = ''] = host.split(':')
  const signed = (await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: '/',
    query: {},
    headers: {
      host,
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': options.target,
      'user-agent': 'clew-bench',
    },
    body,
  } as never)) as unknown as { headers: Record<string, string> }
  const headers = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST / HTTP/1.1\r\n${headers.join('')}\r\n${body}`)
}
