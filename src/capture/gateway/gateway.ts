/**
 * The AWS endpoint: every request is verified, named, recorded and answered by its service
 * (docs: architecture, "the life of an event"; reference/capture.md §8).
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionLimit } from '../../platform/connection-limit.ts'
import { CodedError, systemCodeOf } from '../../platform/errors.ts'
import { uuid } from '../../platform/ids.ts'
import { createNotice } from '../../platform/logger.ts'
import { CallFault } from '../faults/call-fault.ts'
import { errorAnswer } from '../faults/error-answer.ts'
import { createSignatureVerifier } from '../signature/verifier.ts'
import { connectionBudget } from './connections/connection-budget.ts'
import { watchConnections } from './connections/connections.ts'
import { Exchange } from './exchange.ts'
import { createUpstreams } from './forwarding/upstream.ts'
import type { GatewayContext } from './gateway-context.ts'
import { GATEWAY_LIMITS, type Gateway, type GatewayOptions } from './gateway-options.ts'
import { serveExchange } from './pipeline.ts'
import { createBodyBudget, incompleteBody } from './request/request-body.ts'
import { createVirtualHost, VIRTUAL_HOST_SUFFIXES } from './request/virtual-host.ts'
import { createSourceAddress } from './rules/source-address.ts'
import { createGatewayTelemetry } from './telemetry.ts'

/** How long answers that were cut off may take to be recorded after the grace. */
const RECORDING_MS = 2_000

/** What is remembered of the regions that were accepted; an installation has far fewer. */
const REGIONS_SEEN_MAX = 1_000

/** Asks about a region until it is taken once. */
const createRegionWatch = (accepts: (region: string) => boolean = () => true) => {
  const seen = new Set<string>()
  return (region: string): boolean => {
    if (seen.has(region)) return true
    if (!accepts(region)) return false
    if (seen.size < REGIONS_SEEN_MAX) seen.add(region)
    return true
  }
}

/** At most this often: a full disk refuses every write of every client. */
const REFUSED_NOTICE_MS = 1_000

const refusedIntents = ({ clock, logger }: GatewayOptions): GatewayContext['refusedIntent'] => {
  const notice = createNotice<unknown>(clock, REFUSED_NOTICE_MS, (refused, error) => {
    logger.error({ error, refused }, 'intents cannot be stored; their calls are refused')
  })
  return (error) => notice(error instanceof CodedError ? String(error.code) : 'failed', error)
}

/** Every one of them holds memory for its answer until those before it are taken. */
const tooManyAtOnce = (): CallFault =>
  new CallFault(503, 'SlowDown', 'Too many requests at once on one connection.')

const tooManyConnections = (): CallFault =>
  new CallFault(503, 'SlowDown', 'Too many connections are open. Please reduce your request rate.')

/** How long the client of a bare answer may take it before its connection goes. */
const LINGER_MS = 2_000

const contextOf = (options: GatewayOptions): GatewayContext => {
  const limits = { ...GATEWAY_LIMITS, ...options.limits }
  const connections = connectionBudget(limits, options.filesMax)
  return {
    connections,
    options,
    limits,
    verifier: createSignatureVerifier({
      directory: options.credentials,
      clock: options.clock,
      ...(options.skewMs !== undefined && { skewMs: options.skewMs }),
    }),
    upstreams: createUpstreams({ ...limits, upstreamSocketsMax: connections.upstream }),
    budget: createBodyBudget(limits.bodiesBytesMax),
    telemetry: createGatewayTelemetry(options.registry, options.calls),
    virtualBucket: createVirtualHost(options.virtualHostSuffixes ?? VIRTUAL_HOST_SUFFIXES),
    sourceAddress: createSourceAddress(options.trustedProxies ?? []),
    refusedIntent: refusedIntents(options),
    isRegionTaken: createRegionWatch(options.onRegion),
  }
}

/** What Node's parser refused, before there is a request. */
const parserFault = (error: Error): CallFault => {
  switch (systemCodeOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return new CallFault(
        431,
        'RequestHeaderSectionTooLarge',
        'Your request header section exceeds the maximum allowed request header section size.',
      )
    case 'HPE_INVALID_EOF_STATE':
      return incompleteBody()
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new CallFault(408, 'RequestTimeout', 'The request head took too long to arrive.')
    default:
      return new CallFault(400, 'BadRequest', 'An error occurred when parsing the HTTP request.')
  }
}

/** An answer without node:http, for connections that have no request to answer. */
const answerBare = (socket: Duplex, fault: CallFault): void => {
  const { code, message, status } = fault
  const { headers, body } = errorAnswer('rest-xml', { code, message, status, requestId: uuid() })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} Refused\r\n${lines.join('')}connection: close\r\n\r\n`
  socket.end(Buffer.concat([Buffer.from(head), Buffer.isBuffer(body) ? body : Buffer.alloc(0)]))
  // What still comes is read away until then: closing at once would reset the answer.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

class HttpGateway implements Gateway {
  readonly #context: GatewayContext
  readonly #server: Server
  readonly #connections: ConnectionLimit
  /** What is in flight, by connection. */
  readonly #open = new Map<Duplex, Set<Exchange>>()
  readonly #running = new Set<Promise<void>>()
  #closing = false

  constructor(options: GatewayOptions) {
    this.#context = contextOf(options)
    const { limits } = this.#context
    this.#server = createServer({
      maxHeaderSize: limits.headerBytesMax,
      insecureHTTPParser: false,
      headersTimeout: limits.headersMs,
      // Uploads may take hours; held bodies and idle ones have limits of their own.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.sweepMs,
    })
    this.#connections = watchConnections(this.#server, this.#context, (socket) =>
      this.#open.get(socket),
    )
    // Node would drop headers above its default of 2,000 silently, signed ones too.
    this.#server.maxHeadersCount = 0
    this.#listenForRequests()
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port }
  }

  async listen(): Promise<void> {
    const { host, port } = this.#context.options.listen
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
  }

  #listenForRequests(): void {
    const refuse = (status: number, code: string, message: string) => (socket: Duplex) =>
      answerBare(socket, new CallFault(status, code, message))
    const noTunnel = refuse(405, 'MethodNotAllowed', 'Tunnels are not offered.')
    this.#server
      .on('request', (request, response) => this.#take(request, response, false))
      .on('checkContinue', (request, response) => this.#take(request, response, true))
      .on('checkExpectation', (_request, response: ServerResponse) => {
        response.writeHead(417, { 'content-length': 0 }).end()
      })
      .on('connect', (_request: IncomingMessage, socket: Duplex) => noTunnel(socket))
      .on('clientError', (error: Error, socket: Duplex) => this.#parserRefused(error, socket))
  }

  #take(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const exchange = new Exchange(this.#context, request, response, awaitsContinue)
    if (this.#closing) response.shouldKeepAlive = false
    const running = this.#serve(exchange, request.socket)
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  async #serve(exchange: Exchange, socket: Socket): Promise<void> {
    const { telemetry } = this.#context
    const open = this.#open.get(socket) ?? new Set()
    this.#open.set(socket, open.add(exchange))
    telemetry.inFlight(1)
    const refusal = this.#refusal(socket, open.size)
    if (refusal === undefined) await serveExchange(this.#context, exchange)
    else {
      exchange.response.shouldKeepAlive = false
      await exchange.fail(refusal)
    }
    await exchange.sent()
    telemetry.inFlight(-1)
    open.delete(exchange)
    if (open.size === 0) {
      this.#open.delete(socket)
      this.#connections.waits(socket)
    }
    exchange.log()
  }

  #refusal(socket: Socket, atOnce: number): CallFault | undefined {
    if (atOnce > this.#context.limits.pipelinedMax) return tooManyAtOnce()
    return this.#connections.refuses(socket) ? tooManyConnections() : undefined
  }

  /** Bytes that are no HTTP: whatever was complete before them is answered first. */
  #parserRefused(error: Error, socket: Duplex): void {
    const exchanges = this.#open.get(socket)
    if (systemCodeOf(error) === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const fault = parserFault(error)
    if (exchanges === undefined) answerBare(socket, fault)
    else for (const exchange of exchanges) exchange.breakOff(fault)
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    this.#server.closeIdleConnections()
    for (const exchanges of this.#open.values()) {
      for (const { response } of exchanges) response.shouldKeepAlive = false
    }
    await this.#settled(graceMs)
    for (const exchanges of this.#open.values()) {
      for (const exchange of exchanges) exchange.cut()
    }
    await this.#settled(RECORDING_MS)
    this.#connections.destroyAll()
    this.#context.upstreams.close()
    await closed
  }

  /** Everything in flight has ended, or the time is over. */
  async #settled(ms: number): Promise<void> {
    if (this.#running.size === 0) return
    const stop = new AbortController()
    const time = this.#context.options.clock.sleep(ms, stop.signal)
    await Promise.race([Promise.all(this.#running), time])
    stop.abort()
    // Only the abort rejects it.
    await time.catch(() => {})
  }
}

/** Listens when it resolves. */
export const createGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const gateway = new HttpGateway(options)
  await gateway.listen()
  return gateway
}
