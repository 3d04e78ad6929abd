/**
 * The console port: /livez and /readyz for everyone, all else behind the admin token. Metrics of
 * both processes are merged here.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CodedError, messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { limitConnections } from './admin-connections.ts'
import { type AdminRoute, readBody } from './admin-route.ts'

const HEADERS_TIMEOUT_MS = 10_000
/** Bodies are read away, never kept: no route takes one. */
const BODY_BYTES_MAX = 64 * 1024

export interface AdminServer {
  readonly address: { readonly host: string; readonly port: number }
  close(): Promise<void>
}

export interface AdminOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly token: string
  /** True once recovery is over and the AWS endpoint takes requests. */
  readonly isReady: () => boolean
  /** Rejects with the deliveries that failed. */
  readonly flush: () => Promise<void>
  /** Prometheus text of all processes. */
  readonly metrics: () => Promise<string>
  readonly logger: Logger
  /** Of others, by method and path (`POST /admin/…`); they take bodies and need the token. */
  readonly routes?: Readonly<Record<string, AdminRoute>>
}

type Route = (options: AdminOptions) => Promise<{ status: number; type: string; body: string }>

const json = (status: number, value: unknown) => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
})

const flush: Route = async (options) => {
  try {
    await options.flush()
    return json(200, { flushed: true })
  } catch (error) {
    const hint = error instanceof CodedError ? error.hint : undefined
    return json(500, { flushed: false, error: messageOf(error), ...(hint ? { hint } : {}) })
  }
}

const OPEN_ROUTES: Readonly<Record<string, Route>> = {
  'GET /livez': async () => ({ status: 200, type: 'text/plain', body: 'ok\n' }),
  'GET /readyz': async (options) =>
    options.isReady()
      ? { status: 200, type: 'text/plain', body: 'ok\n' }
      : { status: 503, type: 'text/plain', body: 'starting\n' },
}

const TOKEN_ROUTES: Readonly<Record<string, Route>> = {
  'POST /admin/flush': flush,
  'GET /metrics': async (options) => ({
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    body: await options.metrics(),
  }),
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const holdsToken = (request: IncomingMessage, token: string): boolean => {
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

const answer = async (request: IncomingMessage, options: AdminOptions) => {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const name = `${request.method === 'HEAD' ? 'GET' : (request.method ?? '')} ${path}`
  const open = OPEN_ROUTES[name]
  if (open !== undefined) return open(options)
  if (!holdsToken(request, options.token)) {
    return json(401, {
      error: 'This needs the admin token.',
      hint: 'Send `Authorization: Bearer …` with the content of admin.token in the data folder.',
    })
  }
  const route = TOKEN_ROUTES[name]
  return route === undefined ? json(404, { error: `There is no ${name}.` }) : route(options)
}

/** Reads a body away, up to the size that any client has reason to send. */
const drain = async (request: IncomingMessage): Promise<'read' | 'too-large'> => {
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length
    if (bytes > BODY_BYTES_MAX) return 'too-large'
  }
  return 'read'
}

const TOO_LARGE = json(413, { error: `No request here has a body above ${BODY_BYTES_MAX} bytes.` })

/** The answer of a route that takes a body; undefined for all others, and without the token. */
const answerWithBody = async (request: IncomingMessage, options: AdminOptions) => {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  const route = options.routes?.[`${request.method} ${path}`]
  if (route === undefined || !holdsToken(request, options.token)) return undefined
  const body = await readBody(request, route.bytesMax)
  if (body === undefined) return json(413, { error: `It takes at most ${route.bytesMax} bytes.` })
  return route.handle(body, new URLSearchParams(query))
}

const failed = (request: IncomingMessage, options: AdminOptions) => (error: unknown) => {
  options.logger.error({ error, url: request.url }, 'An admin request failed.')
  return json(500, { error: messageOf(error) })
}

const respond = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminOptions,
): Promise<void> => {
  const own = await answerWithBody(request, options).catch(failed(request, options))
  const drained = own === undefined ? await drain(request).catch(() => undefined) : 'read'
  // The client left before its request was complete: nothing is done, nobody is there to answer.
  if (drained === undefined) return
  const result =
    own ??
    (drained === 'too-large'
      ? TOO_LARGE
      : await answer(request, options).catch(failed(request, options)))
  if (result.status === 413) response.shouldKeepAlive = false
  response.writeHead(result.status, {
    'content-type': result.type,
    'content-length': Buffer.byteLength(result.body),
    'cache-control': 'no-store',
    ...(result.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : result.body)
}

export const startAdminServer = async (options: AdminOptions): Promise<AdminServer> => {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => {
      if (takes(request, response)) void respond(request, response, options)
    },
  )
  const { takes } = limitConnections(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.listen.port, options.listen.host, () => resolve())
  })
  const { address, port } = server.address() as AddressInfo
  return {
    address: { host: address, port },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
