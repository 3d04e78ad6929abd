/**
 * Passing a request on as it came: method, raw path and query, every header with the authorization
 * and the Host, so that upstreams read region, service and account from them and put the gateway's
 * address into what they answer (reference/capture.md §3, pass-through).
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Transform } from 'node:stream'
import type { GatewayLimits } from '../gateway-options.ts'
import type { WireHead } from '../request/wire-head.ts'
import { readIntoOneBuffer } from './one-buffer.ts'
import { sendToUpstream } from './upstream-attempt.ts'

/**
 * Headers of one connection (RFC 9110 section 7.6.1). Names that the Connection header adds are not
 * dropped: they could be signed ones, and an upstream must see the request that was verified.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Name, value, name, value … without those of the connection. */
export const endToEndHeaders = (raw: readonly string[]): string[] => {
  const kept: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[index + 1] ?? '')
  }
  return kept
}

export type UpstreamBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'stream'; readonly stream: Transform }

export interface UpstreamCall {
  readonly name: string
  readonly url: URL
  readonly head: WireHead
  readonly body: UpstreamBody
  /** Aborts the request: the client went away, or the gateway closes. */
  readonly signal: AbortSignal
  /** May be sent again, once, when a kept-alive connection turns out to be closed. */
  readonly repeatable: boolean
}

export interface UpstreamAnswer {
  /** Its body streams. */
  readonly answer: IncomingMessage
  /** MUST be called at the end: gives up a request whose body was never sent to its end. */
  drop(): void
}

export interface Upstreams {
  /** Resolves with the answer's head. Rejects with CallFault, or with what the body failed by. */
  send(call: UpstreamCall): Promise<UpstreamAnswer>
  close(): void
}

/** Of an upstream; S3's user metadata alone may have 8 KiB. */
const ANSWER_HEAD_BYTES_MAX = 64 * 1024

type Agents = { readonly http: HttpAgent; readonly https: HttpsAgent }

const headersFor = ({ head, body }: UpstreamCall): string[] => {
  const headers = endToEndHeaders(head.rawHeaders)
  if (head.contentLength !== undefined) {
    // Without it Node would announce a chunked body for these methods.
    const bare = head.contentLength === 0 && head.headers['content-length'] === undefined
    if (bare && /^P(?:OST|UT|ATCH)$/.test(head.method)) headers.push('Content-Length', '0')
    return headers
  }
  // A body without a length: held ones have one now, the others stay chunked.
  return body.kind === 'whole'
    ? [...headers, 'Content-Length', String(body.bytes.length)]
    : [...headers, 'Transfer-Encoding', 'chunked']
}

/** `agents` absent: over a connection of its own. */
const open = (call: UpstreamCall, agents: Agents | undefined): ClientRequest => {
  const { url, head } = call
  const secure = url.protocol === 'https:'
  const prefix = url.pathname.replace(/\/+$/, '')
  const query = head.rawQuery === '' ? '' : `?${head.rawQuery}`
  const options = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    method: head.method,
    path: `${prefix}${head.rawPath}${query}`,
    headers: headersFor(call),
    setHost: false,
    maxHeaderSize: ANSWER_HEAD_BYTES_MAX,
  }
  return secure
    ? httpsRequest({ ...options, agent: agents?.https ?? false })
    : httpRequest({ ...options, agent: agents?.http ?? false })
}

export const createUpstreams = (limits: GatewayLimits): Upstreams => {
  // The last connection used is the least likely to have been closed meanwhile.
  const settings = {
    keepAlive: true,
    maxSockets: limits.upstreamSocketsMax,
    // One upstream that hangs leaves as many for the others.
    maxTotalSockets: 2 * limits.upstreamSocketsMax,
    scheduling: 'lifo',
  } as const
  const plain = { ...settings, ...readIntoOneBuffer() }
  const agents: Agents = { http: new HttpAgent(plain), https: new HttpsAgent(settings) }
  return {
    send: (call) => sendToUpstream(call, (again) => open(call, again ? undefined : agents), limits),
    close: () => {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}
