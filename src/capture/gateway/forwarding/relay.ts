/**
 * The way back. An answer streams to the client with back-pressure, but its last block, and with it
 * the end, stays here until the call's events are durable: a client never sees a success that is
 * not recorded. An answer without a body stays here whole.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { CallFault, isStatusError } from '../../faults/call-fault.ts'
import { isS3Family } from '../../signature/canonical-request.ts'
import { clientLeft, type Exchange } from '../exchange.ts'
import type { AnswerFacts, GatewayContext } from '../gateway-context.ts'
import { endInOneWrite } from './one-write.ts'
import { endToEndHeaders } from './upstream.ts'

export interface ServiceReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Name, value, name, value … as the client gets them. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer | Readable
}

/** A body that may still be on its way to the service. */
export interface Upload {
  readonly stream: Transform
  /** Settles when the body was verified to its end. */
  readonly done: Promise<void>
}

export interface RelayOptions {
  /** No success before it was verified; a refusal ends it. */
  readonly upload?: Upload
  /** Called with a whole answer before its last byte leaves; the answer is kept whole for it. */
  readonly learn?: (facts: AnswerFacts, body: Buffer) => Promise<void>
}

/** An upstream's answer, without the headers of its connection. */
export const upstreamReply = (answer: IncomingMessage): ServiceReply => {
  const headers: Record<string, string> = Object.create(null)
  const rawHeaders = endToEndHeaders(answer.rawHeaders)
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const earlier = headers[name]
    const value = rawHeaders[index + 1] ?? ''
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  return { status: answer.statusCode ?? 502, headers, rawHeaders, body: answer }
}

const EMPTY = Buffer.alloc(0)

/** Interactive streams: a message must not wait for the next one; only the end is held back. */
const isEventStream = (reply: ServiceReply): boolean =>
  (reply.headers['content-type'] ?? '').startsWith('application/vnd.amazon.eventstream') &&
  reply.headers['content-length'] === undefined

/** Collects an answer for the record, until it is longer than the limit. */
const createTee = (bytesMax: number) => {
  const parts: Buffer[] = []
  let length = 0
  return {
    add: (part: Buffer): void => {
      length += part.length
      if (length <= bytesMax) parts.push(part)
      else parts.length = 0
    },
    whole: (): Buffer | undefined => {
      if (length > bytesMax) return undefined
      const [first] = parts
      return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
    },
    length: (): number => length,
  }
}

/** Services may compress what they say; objects that are stored compressed stay as they are. */
const plainBody = (
  body: Buffer | undefined,
  reply: ServiceReply,
  signingName: string,
  bytesMax: number,
): Buffer | undefined => {
  const compressed = reply.headers['content-encoding'] === 'gzip' && !isS3Family(signingName)
  if (body === undefined || body.length === 0 || !compressed) return body
  try {
    return gunzipSync(body, { maxOutputLength: bytesMax })
  } catch {
    // Too long, or no gzip at all: the record then goes without the answer's content.
    return undefined
  }
}

const factsOf = (reply: ServiceReply, body: Buffer | undefined, bytesOut: number): AnswerFacts => ({
  status: reply.status,
  headers: reply.headers,
  body,
  bytesOut,
})

/** Waits until the client took what was written; a client that takes nothing is cut off. */
const written = async (exchange: Exchange, idleMs: number): Promise<void> => {
  const { response } = exchange
  if (!response.writableNeedDrain || response.destroyed) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => response.destroy(), idleMs)
    const settle = (): void => {
      clearTimeout(timer)
      response.off('drain', settle).off('close', settle)
      resolve()
    }
    response.on('drain', settle).on('close', settle)
  })
}

const finish = (exchange: Exchange, reply: ServiceReply, last: Buffer): void => {
  const { response } = exchange
  if (response.destroyed) return
  if (!response.headersSent) exchange.begin(reply.status, reply.rawHeaders)
  endInOneWrite(response, exchange.head.method === 'HEAD' ? EMPTY : last)
}

/** An answer of so few bytes is taken whole: nothing but its last block could leave early. */
const SHORT_BYTES_MAX = 16 * 1024

const isShort = ({ headers }: ServiceReply): boolean =>
  headers['content-length'] !== undefined && Number(headers['content-length']) <= SHORT_BYTES_MAX

/** By events: an async iterator costs a short answer more than all the rest of it. */
const readShort = (body: Readable): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    body
      .on('data', (part: Buffer) => parts.push(part))
      .once('end', () => resolve(parts.length === 1 ? (parts[0] ?? EMPTY) : Buffer.concat(parts)))
      .once('error', reject)
      .once('close', () => reject(new Error('The answer ended early.')))
  })

/** Larger answers from memory go out in blocks: a client must only take one of them in time. */
const WHOLE_BYTES_MAX = 256 * 1024
const BLOCK_BYTES = 64 * 1024

async function* blocksOf(body: Buffer): AsyncGenerator<Buffer> {
  for (let from = 0; from < body.length; from += BLOCK_BYTES) {
    yield body.subarray(from, from + BLOCK_BYTES)
  }
}

/** Sends all but the last block. Resolves with what is held back. */
const sendBlocks = async (
  context: GatewayContext,
  exchange: Exchange,
  reply: ServiceReply,
  body: AsyncIterable<Buffer | string>,
  tee: ReturnType<typeof createTee>,
): Promise<Buffer> => {
  const { response } = exchange
  const eager = isEventStream(reply)
  let held: Buffer = EMPTY
  const send = async (block: Buffer): Promise<void> => {
    if (block.length === 0 || response.destroyed) return
    if (!response.headersSent) exchange.begin(reply.status, reply.rawHeaders)
    response.write(block)
    await written(exchange, context.limits.answerIdleMs)
  }
  for await (const part of body) {
    // Leaving the loop destroys the body: nobody wants the rest.
    if (response.destroyed && !exchange.seeThrough) throw clientLeft()
    const block: Buffer = Buffer.isBuffer(part) ? part : Buffer.from(part)
    tee.add(block)
    await send(held)
    held = EMPTY
    if (eager) await send(block)
    else held = block
  }
  return held
}

const brokenOff = (error: unknown): CallFault =>
  new CallFault(502, 'BadGateway', 'The answer broke off.', { cause: error, outcomeUnknown: true })

/** How much of the answer the record, or whoever learns from it, needs. */
const keptBytesMax = (
  { limits }: GatewayContext,
  exchange: Exchange,
  options: RelayOptions,
): number => {
  if (options.learn !== undefined) return limits.learnBytesMax
  // Which of up to 1,000 keys were deleted stands in the answer alone.
  const deletes = exchange.call?.identity.operation === 'DeleteObjects'
  return deletes ? limits.deletedBytesMax : limits.teeBytesMax
}

/** Records the call and releases the answer. Throws CallFault; the exchange then answers or cuts. */
export const relay = async (
  context: GatewayContext,
  exchange: Exchange,
  reply: ServiceReply,
  options: RelayOptions,
): Promise<void> => {
  const signingName = exchange.call?.identity.signingName ?? ''
  const keep = keptBytesMax(context, exchange, options)
  const tee = createTee(keep)
  let last: Buffer
  try {
    if (reply.status < 400) await options.upload?.done
    else options.upload?.stream.destroy()
    if (Buffer.isBuffer(reply.body) && reply.body.length <= WHOLE_BYTES_MAX) {
      last = reply.body
      tee.add(last)
    } else if (!Buffer.isBuffer(reply.body) && isShort(reply)) {
      last = await readShort(reply.body)
      tee.add(last)
    } else {
      const body = Buffer.isBuffer(reply.body) ? blocksOf(reply.body) : reply.body
      last = await sendBlocks(context, exchange, reply, body, tee)
    }
  } catch (error) {
    if (!exchange.response.headersSent) throw isStatusError(error) ? error : brokenOff(error)
    // The client saw a beginning: it is recorded with what was seen, and cut off. A client that
    // left has its own reasons; the service had answered.
    const facts = factsOf(reply, undefined, tee.length())
    await exchange.record(exchange.clientGone ? facts : { ...facts, incomplete: true })
    throw brokenOff(error)
  }
  exchange.serviceEnds()
  const body = plainBody(tee.whole(), reply, signingName, keep)
  const facts = factsOf(reply, body, tee.length())
  if (options.learn !== undefined && body !== undefined) await options.learn(facts, body)
  await exchange.record(facts)
  finish(exchange, reply, last)
}
