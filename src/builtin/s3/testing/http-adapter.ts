/**
 * Feeds a BuiltinService from plain HTTP, as the gateway does, but without looking at signatures:
 * the caller is the root of the account in `x-test-account`, or the default one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Principal } from '../../../event/principal.ts'
import type { BuiltinService, VerifiedCall } from '../../../identity/verified-call.ts'
import { s3RequestId, uuid } from '../../../platform/ids.ts'

const DEFAULT_ACCOUNT = '123456789012'

export interface TestCallOptions {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly headers?: Record<string, string>
  readonly body?: Readable
  readonly trailers?: Record<string, string>
  readonly principal?: Principal
  readonly region?: string
  /** What the catalogue named it. */
  readonly operation?: string
}

export const testCall = (options: TestCallOptions): VerifiedCall => {
  const principal: Principal = options.principal ?? { kind: 'root', account: DEFAULT_ACCOUNT }
  return {
    caller: { principal },
    account: 'account' in principal ? principal.account : DEFAULT_ACCOUNT,
    region: options.region ?? 'us-east-1',
    ...(options.operation !== undefined && { operation: options.operation }),
    method: options.method,
    rawPath: options.path,
    rawQuery: options.query ?? '',
    headers: options.headers ?? {},
    body: options.body ?? Readable.from([], { objectMode: false }),
    trailers: () => options.trailers ?? {},
    requestId: s3RequestId(),
    eventId: uuid(),
    sourceIp: '127.0.0.1',
    secureTransport: false,
    signal: new AbortController().signal,
  }
}

/** The least that decodes `aws-chunked` bodies in memory: sizes, data, trailers. */
const decodeChunked = (framed: Buffer): { body: Buffer; trailers: Record<string, string> } => {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const end = framed.indexOf('\r\n', at)
    const size = Number.parseInt(framed.subarray(at, end).toString('latin1'), 16)
    at = end + 2
    if (size === 0) break
    pieces.push(framed.subarray(at, at + size))
    at += size + 2
  }
  const trailers: Record<string, string> = {}
  for (const line of framed.subarray(at).toString('latin1').split('\r\n')) {
    const [name, ...value] = line.split(':')
    if (name !== undefined && value.length > 0)
      trailers[name.toLowerCase()] = value.join(':').trim()
  }
  return { body: Buffer.concat(pieces), trailers }
}

const headersOf = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [
      name,
      (values ?? []).join(', '),
    ]),
  )

const answer = async (
  service: BuiltinService,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const headers = headersOf(request)
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
  let body: Readable = request
  let trailers: Record<string, string> = {}
  if (headers['content-encoding']?.includes('aws-chunked')) {
    const decoded = decodeChunked(Buffer.concat(await request.toArray()))
    body = Readable.from([decoded.body], { objectMode: false })
    trailers = decoded.trailers
  }
  const account = headers['x-test-account'] ?? DEFAULT_ACCOUNT
  const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1]
  const result = await service(
    testCall({
      ...{ method: request.method ?? 'GET', path, query, headers, body, trailers },
      principal: { kind: 'root', account },
      ...(region !== undefined && { region }),
    }),
  )
  response.writeHead(result.status, result.headers)
  if (Buffer.isBuffer(result.body)) response.end(result.body)
  else result.body.pipe(response)
}

export const serveForTest = async (
  service: BuiltinService,
): Promise<{ endpoint: string; close: () => Promise<void> }> => {
  const server = createServer((request, response) => {
    answer(service, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
