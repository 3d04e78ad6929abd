/** A gateway with small working neighbours: a recorder that stores, services and upstreams that answer. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { SealedEvent } from '../../event/sealed-event.ts'
import type { BuiltinService, VerifiedCall } from '../../identity/verified-call.ts'
import type { Intent } from '../../journal/frame.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { CallIdentity, RecordCall } from '../call.ts'
import {
  ACCOUNT,
  directoryOf,
  sign,
  type ToSign,
  testCredential,
} from '../signature/signing.test-support.ts'
import { createGateway } from './gateway.ts'
import type { GatewayLimits, GatewayOptions, Identify } from './gateway-options.ts'

const READ = /^(?:Get|List|Head|Describe|Lookup|Receive)/

const identifyS3 = (method: string, rawPath: string, rawQuery: string): CallIdentity => {
  const [, bucket = '', ...rest] = rawPath.split('/')
  const key = rest.join('/')
  const part = rawQuery.includes('partNumber=')
  const verbs: Record<string, string> = { GET: 'Get', HEAD: 'Head', PUT: 'Put', DELETE: 'Delete' }
  const verb = verbs[method] ?? 'Post'
  const name =
    key === '' ? `${verb}Bucket` : part && verb === 'Put' ? 'UploadPart' : `${verb}Object`
  return {
    serviceId: 's3',
    signingName: 's3',
    operation: name,
    protocol: 'rest-xml',
    eventSource: 's3.amazonaws.com',
    eventName: name,
    readOnly: READ.test(name),
    category: key === '' ? 'Management' : 'Data',
    ...(bucket !== '' && { bucket }),
    ...(key !== '' && { key }),
  }
}

/** Enough of a router for these tests: S3 by its path, JSON by its target, queries by Action. */
export const identify: Identify = (head, scope, body) => {
  const target = head.headers['x-amz-target']
  const form = body !== undefined && body.length < 10_000 ? body.toString('latin1') : ''
  const action = new URLSearchParams(head.rawQuery || form).get('Action')
  const signingName = scope?.signingName ?? (action === null ? undefined : 'sts')
  const named = target?.split('.').at(-1) ?? action ?? undefined
  if (named !== undefined) {
    const service = signingName ?? 'unknown'
    return {
      serviceId: service,
      signingName: service,
      operation: named,
      protocol: target === undefined ? 'query' : 'json',
      eventSource: `${service}.amazonaws.com`,
      eventName: named,
      readOnly: READ.test(named),
      category: 'Management',
    }
  }
  if (signingName === 's3' || signingName === undefined) {
    return identifyS3(head.method, head.rawPath, head.rawQuery)
  }
  return {
    signingName,
    protocol: 'rest-json',
    eventSource: `${signingName}.amazonaws.com`,
    eventName: `${head.method} ${head.rawPath}`,
    readOnly: head.method === 'GET',
    category: 'Management',
  }
}

export interface TestRecord {
  readonly eventID: string
  readonly eventName: string
  readonly account: string
  readonly region: string
  readonly caller: string
  readonly status?: number
  readonly errorCode?: string
  readonly request?: string
  readonly response?: string
  readonly bytesIn?: number
  readonly bytesOut?: number
  readonly signature?: string
  readonly requestId?: string
  readonly incomplete?: boolean
}

const recordCall: RecordCall = (call, answer) => {
  const record: TestRecord = {
    eventID: call.eventId,
    eventName: call.identity.eventName,
    account: call.account,
    region: call.region,
    caller: call.caller.principal.kind,
    ...(call.signature && { signature: `${call.signature.version} ${call.signature.method}` }),
    ...(call.body !== undefined && { request: call.body.toString() }),
    ...(answer !== undefined && {
      status: answer.status,
      bytesIn: answer.bytesIn,
      bytesOut: answer.bytesOut,
      requestId: answer.headers['x-amzn-requestid'] ?? answer.headers['x-amz-request-id'] ?? '',
      ...(answer.body !== undefined && { response: answer.body.toString() }),
      ...(answer.fault && { errorCode: answer.fault.code }),
      ...(answer.incomplete === true && { incomplete: true }),
    }),
  }
  const { account, region, eventId } = call
  const { category } = call.identity
  const text = Buffer.from(JSON.stringify(record))
  return [{ text, eventId, account, region, category, origin: { kind: 'capture' } }]
}

/** Stores what it is given; `beforeRecord` and `beforeIntend` may wait or fail. */
export class MemoryRecorder {
  readonly events: SealedEvent[] = []
  readonly intents: Intent[] = []
  beforeRecord: () => Promise<void> = async () => {}
  beforeIntend: () => Promise<void> = async () => {}
  readonly #waiting = new Set<() => void>()

  async record(events: readonly SealedEvent[]): Promise<void> {
    await this.beforeRecord()
    this.events.push(...events)
    for (const wake of this.#waiting) wake()
  }

  async intend(intent: Intent): Promise<void> {
    await this.beforeIntend()
    this.intents.push(intent)
  }

  records(): TestRecord[] {
    return this.events.map(({ text }) => JSON.parse(text.toString()) as TestRecord)
  }

  /** Resolves once `count` events are stored. */
  async reach(count: number): Promise<TestRecord[]> {
    while (this.events.length < count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    return this.records()
  }
}

export const sha256 = (bytes: Buffer | string): string =>
  createHash('sha256').update(bytes).digest('hex')

export const readAll = async (stream: Buffer | AsyncIterable<Buffer>): Promise<Buffer> => {
  if (Buffer.isBuffer(stream)) return stream
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** Tells what it got: a service of Clew's own. */
export const echoService: BuiltinService = async (call: VerifiedCall) => {
  const body = await readAll(call.body)
  const facts = {
    operation: call.operation,
    account: call.account,
    region: call.region,
    path: call.rawPath,
    query: call.rawQuery,
    length: body.length,
    sha256: sha256(body),
    trailers: { ...call.trailers() },
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(facts)),
  }
}

export interface UpstreamRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: string[]
  readonly headers: IncomingMessage['headers']
  /** What arrived; with `complete` false the request was broken off. */
  body: Buffer
  complete: boolean
}

type Handler = (request: UpstreamRequest, response: ServerResponse) => void

const plainAnswer: Handler = (request, response) => {
  const body = JSON.stringify({ length: request.body.length, sha256: sha256(request.body) })
  response.writeHead(200, { 'content-type': 'application/json', 'x-upstream': 'yes' }).end(body)
}

/** An HTTP server that keeps every request; answers when a request is complete. */
export const startUpstream = async (t: TestContext, handler: Handler = plainAnswer) => {
  const requests: UpstreamRequest[] = []
  const ended: (() => void)[] = []
  const server = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
    const { method = '', url = '', rawHeaders, headers } = request
    const seen: UpstreamRequest = {
      method,
      url,
      rawHeaders,
      headers,
      body: Buffer.alloc(0),
      complete: false,
    }
    requests.push(seen)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('error', () => {})
    request.once('close', () => {
      seen.body = Buffer.concat(parts)
      for (const wake of ended.splice(0)) wake()
    })
    request.once('end', () => {
      seen.body = Buffer.concat(parts)
      seen.complete = true
      handler(seen, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  /** Resolves at the end of the next request, complete or not. */
  const nextEnd = (): Promise<void> => new Promise((resolve) => ended.push(resolve))
  return { requests, server, url: new URL(`http://127.0.0.1:${port}`), nextEnd }
}

export interface TestGatewayOptions extends Partial<Omit<GatewayOptions, 'limits' | 'recorder'>> {
  readonly limits?: Partial<GatewayLimits>
}

export const startGateway = async (t: TestContext, options: TestGatewayOptions = {}) => {
  const recorder = new MemoryRecorder()
  const registry = new Registry()
  const gateway = await createGateway({
    listen: { host: '127.0.0.1', port: 0 },
    credentials: directoryOf(testCredential()),
    identify,
    recordCall,
    recorder,
    builtin: () => undefined,
    upstream: () => undefined,
    learn: async () => undefined,
    unknownKeys: 'reject',
    defaults: { account: ACCOUNT, region: 'us-east-1' },
    clock: systemClock,
    logger: silentLogger,
    registry,
    ...options,
  })
  t.after(() => gateway.close(0))
  const { port } = gateway.address
  return { gateway, recorder, registry, port, url: `http://127.0.0.1:${port}` }
}

export type Sending = Omit<ToSign, 'date'> & { readonly date?: Date }

/** A signed request as the bytes of a connection, without its body. */
export const headBytes = async (
  port: number,
  given: Sending,
  extra: string[] = [],
): Promise<Buffer> => {
  const head = await sign({
    ...given,
    date: given.date ?? new Date(),
    headers: { host: `127.0.0.1:${port}`, ...given.headers },
  })
  const query = head.rawQuery === '' ? '' : `?${head.rawQuery}`
  const lines = Object.entries(head.headers).map(([name, value]) => `${name}: ${value}`)
  const text = [`${head.method} ${head.rawPath}${query} HTTP/1.1`, ...lines, ...extra, '', ''].join(
    '\r\n',
  )
  return Buffer.from(text, 'latin1')
}

/** Sends a signed request with fetch. `content`: what goes over the wire where it is not the body. */
export const send = async (url: string, given: Sending, content?: Buffer): Promise<Response> => {
  const head = await sign({
    ...given,
    date: given.date ?? new Date(),
    headers: { host: new URL(url).host, ...given.headers },
  })
  const { host: _, ...headers } = head.headers
  const query = head.rawQuery === '' ? '' : `?${head.rawQuery}`
  const body = content ?? (given.body === undefined ? undefined : Buffer.from(given.body))
  return fetch(`${url}${head.rawPath}${query}`, {
    method: head.method,
    headers,
    ...(body !== undefined && { body: new Uint8Array(body) }),
  })
}

export interface Wire {
  readonly socket: Socket
  /** Everything received so far, as Latin-1. */
  soFar(): string
  /** Everything until the server closed the connection. */
  closed(): Promise<string>
  /** Resolves when `wanted` was received; rejects when the connection closes without it. */
  until(wanted: RegExp | ((text: string) => boolean)): Promise<string>
}

/** A bare connection, which the caller destroys. */
export const openWire = async (port: number, allowHalfOpen = false): Promise<Wire> => {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  await once(socket, 'connect')
  const parts: Buffer[] = []
  let wake = (): void => {}
  socket.on('data', (part: Buffer) => {
    parts.push(part)
    wake()
  })
  // A reset is what a hostile client must expect.
  socket.on('error', () => {})
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void gone.then(() => wake())
  const soFar = (): string => Buffer.concat(parts).toString('latin1')
  return {
    socket,
    soFar,
    closed: async () => {
      await gone
      return soFar()
    },
    until: async (wanted) => {
      const holds = typeof wanted === 'function' ? wanted : (text: string) => wanted.test(text)
      while (!holds(soFar())) {
        if (socket.closed) throw new Error(`Closed after: ${soFar()}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return soFar()
    },
  }
}

/** A bare connection of one test; `text()` resolves with everything until it was closed. */
export const rawConnection = async (t: TestContext, port: number) => {
  const { closed, ...wire } = await openWire(port)
  t.after(() => wire.socket.destroy())
  return { ...wire, text: closed }
}

export const jsonCall = (operation: string, body = '{}', service = 'cloudtrail'): Sending => ({
  service,
  method: 'POST',
  body,
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `Service_1.${operation}`,
  },
})
