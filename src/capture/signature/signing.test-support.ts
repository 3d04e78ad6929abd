/** An independent signer (the AWS SDK's) and credentials for the tests of capture. */
import { createHash, createHmac, createSecretKey } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Credential } from '../../identity/credentials.ts'
import type { RequestHead } from '../call.ts'

/** The example keys of AWS's documentation. */
export const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE'
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
export const ACCOUNT = '111122223333'

export const testCredential = (extra: Partial<Credential> = {}, secret = SECRET): Credential => ({
  accessKeyId: ACCESS_KEY,
  signingSecret: createSecretKey(Buffer.from(`AWS4${secret}`)),
  secret: createSecretKey(Buffer.from(secret)),
  account: ACCOUNT,
  caller: { principal: { kind: 'root', account: ACCOUNT }, accessKeyId: ACCESS_KEY },
  ...extra,
})

export const directoryOf = (...credentials: Credential[]) => ({
  find: async (accessKeyId: string) =>
    credentials.find((credential) => credential.accessKeyId === accessKeyId),
})

type Bytes = string | ArrayBuffer | ArrayBufferView
const bytesOf = (data: Bytes): Uint8Array =>
  typeof data === 'string'
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data)

/** What the SDK's signers want of a hash. */
export class Sha256 {
  readonly #hash
  constructor(secret?: Bytes) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: Bytes): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }
  reset(): void {
    throw new Error('A digest is taken once.')
  }
}

export interface ToSign {
  readonly method?: string
  /** As it goes over the wire. */
  readonly path?: string
  /** Decoded. */
  readonly query?: Record<string, string | string[]>
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  readonly service: string
  readonly region?: string
  readonly date: Date
  readonly sessionToken?: string
  readonly accessKeyId?: string
  readonly secret?: string
  /** Seconds: presign instead of sign. */
  readonly expiresIn?: number
}

const escapeQuery = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const rawQueryOf = (query: Record<string, string | string[] | null>): string =>
  Object.entries(query)
    .flatMap(([name, value]) =>
      [value].flat().map((one) => `${escapeQuery(name)}=${escapeQuery(one ?? '')}`),
    )
    .join('&')

/** Signs with `@smithy/signature-v4`: the head as a client would send it. */
export const sign = async (request: ToSign): Promise<RequestHead> => {
  const s3 = request.service.startsWith('s3')
  const signer = new SignatureV4({
    service: request.service,
    region: request.region ?? 'eu-west-1',
    uriEscapePath: !s3,
    applyChecksum: s3,
    sha256: Sha256,
    credentials: {
      accessKeyId: request.accessKeyId ?? ACCESS_KEY,
      secretAccessKey: request.secret ?? SECRET,
      ...(request.sessionToken !== undefined && { sessionToken: request.sessionToken }),
    },
  })
  const given = {
    method: request.method ?? 'GET',
    protocol: 'http:',
    hostname: 'localhost',
    path: request.path ?? '/',
    query: request.query ?? {},
    headers: { host: 'localhost:4600', ...request.headers },
    ...(request.body !== undefined && { body: request.body }),
  }
  const options = { signingDate: request.date }
  const signed =
    request.expiresIn === undefined
      ? await signer.sign(given, options)
      : await signer.presign(given, { ...options, expiresIn: request.expiresIn })
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(signed.headers)) headers[name.toLowerCase()] = value
  return {
    method: signed.method,
    rawPath: signed.path,
    rawQuery: rawQueryOf(signed.query ?? {}),
    headers,
  }
}
