/** From a verified, named call to its service and back. */

import type { BuiltinService } from '../../../identity/verified-call.ts'
import { messageOf } from '../../../platform/errors.ts'
import type { CapturedCall } from '../../call.ts'
import { CallFault } from '../../faults/call-fault.ts'
import type { PayloadMode } from '../../signature/payload/payload-mode.ts'
import {
  decodedPayload,
  type PayloadStream,
  rawPayload,
} from '../../signature/payload/payload-streams.ts'
import type { Exchange } from '../exchange.ts'
import type { AnswerFacts, GatewayContext } from '../gateway-context.ts'
import { type Admission, signatureRefusal } from '../request/admission.ts'
import { feedBody } from '../request/request-body.ts'
import type { WireHead } from '../request/wire-head.ts'
import { teachesCredentials } from '../rules/learn-services.ts'
import { callBuiltin, withRequestId } from './builtin-call.ts'
import { type RelayOptions, relay, type ServiceReply, type Upload, upstreamReply } from './relay.ts'
import type { UpstreamBody } from './upstream.ts'

export type CallBody =
  | {
      readonly kind: 'whole'
      readonly raw: Buffer
      readonly payload: Buffer
      readonly trailers: Readonly<Record<string, string>>
    }
  | { readonly kind: 'stream'; readonly mode: PayloadMode }

export interface ReadyCall {
  readonly call: CapturedCall
  /** S3 in path style. */
  readonly styled: WireHead
  readonly admission: Admission
  readonly body: CallBody
}

type Target =
  | { readonly kind: 'builtin'; readonly service: BuiltinService }
  | { readonly kind: 'upstream'; readonly url: URL }

const targetOf = (context: GatewayContext, ready: ReadyCall): Target => {
  const { call, admission, styled } = ready
  const { signingName } = call.identity
  const service = context.options.builtin(signingName)
  if (service === undefined) {
    const url = context.options.upstream(signingName)
    if (url !== undefined) return { kind: 'upstream', url }
    throw new CallFault(
      501,
      'NotImplemented',
      `Clew has no service ${signingName} of its own and no upstream for it. Start it with --upstream ${signingName}=http://HOST:PORT`,
    )
  }
  if (admission.kind !== 'verified') {
    const reason = admission.kind === 'anonymous' ? 'missing' : 'unknown-key'
    const accessKeyId = call.caller.accessKeyId ?? ''
    throw signatureRefusal(styled, signingName, { reason, accessKeyId })
  }
  // A signature for one service must not open another one.
  if (admission.scope?.signingName !== signingName) {
    throw signatureRefusal(styled, signingName, {
      reason: 'wrong-service',
      expected: signingName,
    })
  }
  return { kind: 'builtin', service }
}

/** Durable before a management write is handed over; nothing is handed over otherwise. */
const intend = async (context: GatewayContext, exchange: Exchange): Promise<void> => {
  const { call } = exchange
  if (call === undefined || call.identity.readOnly || call.identity.category !== 'Management')
    return
  const { options, telemetry } = context
  try {
    const [event] = options.recordCall(call, undefined)
    if (event === undefined) throw new Error('The call has no record.')
    const { eventId, account, region, category, text } = event
    await options.recorder.intend({ eventId, account, region, category, text })
  } catch (error) {
    telemetry.journalRefused('intent')
    context.refusedIntent(error)
    // Nothing happened, so there is nothing to record.
    exchange.call = undefined
    throw new CallFault(
      503,
      'ServiceUnavailable',
      'The request was not carried out because it cannot be recorded now. Please try again.',
      { cause: error },
    )
  }
}

/** Starts the body's flow; `done` settles when it was verified to its end. */
const startUpload = (
  context: GatewayContext,
  exchange: Exchange,
  payload: PayloadStream,
): PayloadStream & Upload => {
  const { stream } = payload
  const done = new Promise<void>((resolve, reject) => {
    stream.once('end', resolve).once('error', reject)
    stream.once('close', () =>
      reject(new CallFault(400, 'IncompleteBody', 'The body was not read.')),
    )
  })
  // Whoever awaits it later gets the error; until then it is no unhandled one.
  done.catch(() => {})
  exchange.bytesIn = payload.bytes
  feedBody(exchange.request, stream, context.limits, (fail) => exchange.readsBody(fail))
  return { ...payload, done }
}

const EMPTY = Buffer.alloc(0)

const sendToBuiltin = async (
  context: GatewayContext,
  exchange: Exchange,
  ready: ReadyCall,
  service: BuiltinService,
): Promise<void> => {
  const { call, styled, body } = ready
  const upload =
    body.kind === 'stream' ? startUpload(context, exchange, decodedPayload(body.mode)) : undefined
  const decoded =
    upload ??
    (body.kind === 'whole'
      ? { stream: body.payload, trailers: body.trailers }
      : { stream: EMPTY, trailers: {} })
  const answer = await callBuiltin(service, exchange, call, styled, decoded)
  const headers = withRequestId(answer.headers, exchange, call.identity.protocol)
  if (Buffer.isBuffer(answer.body) && styled.method !== 'HEAD' && answer.status !== 204) {
    headers['content-length'] ??= String(answer.body.length)
  }
  const reply: ServiceReply = {
    status: answer.status,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    body: answer.body,
  }
  await relay(context, exchange, reply, upload === undefined ? {} : { upload })
}

const learnFrom =
  (context: GatewayContext, exchange: Exchange): NonNullable<RelayOptions['learn']> =>
  async (facts: AnswerFacts, body: Buffer): Promise<void> => {
    const { call } = exchange
    if (call === undefined || facts.status >= 300) return
    const { options } = context
    const answer = { ...facts, bytesIn: exchange.bytesIn(), completedAt: options.clock.now() }
    try {
      const caller = await options.learn(call, answer, body)
      if (caller !== undefined) exchange.call = { ...call, caller }
    } catch (error) {
      const { eventId, identity } = call
      options.logger.error(
        { error, eventId, eventName: identity.eventName },
        'credentials in an answer were not stored; calls with them will be refused',
      )
    }
  }

const sendToUpstream = async (
  context: GatewayContext,
  exchange: Exchange,
  ready: ReadyCall,
  url: URL,
): Promise<void> => {
  const { call, body } = ready
  const { signingName, readOnly } = call.identity
  const upload =
    body.kind === 'stream' ? startUpload(context, exchange, rawPayload(body.mode)) : undefined
  const bytes: UpstreamBody =
    upload === undefined
      ? { kind: 'whole', bytes: body.kind === 'whole' ? body.raw : EMPTY }
      : { kind: 'stream', stream: upload.stream }
  const sent = { name: signingName, url, head: exchange.head, body: bytes, repeatable: readOnly }
  const { answer, drop } = await context.upstreams
    .send({ ...sent, signal: exchange.signal })
    .catch((error: unknown) => {
      upload?.stream.destroy()
      if (!exchange.signal.aborted) {
        const facts = { signingName, upstream: url.origin, reason: messageOf(error) }
        context.options.logger.warn(facts, 'no answer from an upstream')
      }
      throw error
    })
  try {
    await relay(context, exchange, upstreamReply(answer), {
      ...(upload && { upload }),
      ...(teachesCredentials(signingName) && { learn: learnFrom(context, exchange) }),
    })
  } finally {
    drop()
  }
}

/** Hands the call over, records it and releases its answer. Throws CallFault. */
export const forward = async (
  context: GatewayContext,
  exchange: Exchange,
  ready: ReadyCall,
): Promise<void> => {
  const target = targetOf(context, ready)
  await intend(context, exchange)
  const { body, call } = ready
  if (body.kind === 'whole') {
    exchange.bytesIn = () => body.payload.length
    // From here on the write happens; what became of it belongs into the record.
    exchange.seeThrough = !call.identity.readOnly && call.identity.category === 'Management'
  }
  exchange.serviceBegins()
  if (target.kind === 'builtin') await sendToBuiltin(context, exchange, ready, target.service)
  else await sendToUpstream(context, exchange, ready, target.url)
}
