/**
 * A request's way through the gateway (reference/capture.md §8): head → signature → body → name →
 * authorization → intent → service → record → answer. Every step throws CallFault; nothing of a
 * later step has happened then.
 */
import { hash } from 'node:crypto'
import { uuid } from '../../platform/ids.ts'
import type { CallIdentity, CapturedCall } from '../call.ts'
import { CallFault } from '../faults/call-fault.ts'
import { isS3Family } from '../signature/canonical-request.ts'
import { readClaim } from '../signature/claim.ts'
import { PayloadError } from '../signature/payload/payload-error.ts'
import { decodeWhole } from '../signature/payload/payload-streams.ts'
import type { Exchange } from './exchange.ts'
import { type CallBody, forward } from './forwarding/forward.ts'
import { passThrough } from './forwarding/pass-through.ts'
import type { GatewayContext } from './gateway-context.ts'
import { type Admission, admit, claimedService, signatureRefusal } from './request/admission.ts'
import { readWhole } from './request/request-body.ts'
import { inPathStyle } from './request/virtual-host.ts'
import { readHead, type WireHead } from './request/wire-head.ts'
import { globalRegion } from './rules/global-regions.ts'
import { isEmulatorControl, mayBeUnsigned } from './rules/unsigned-operations.ts'

/** The operations whose body is an object's content and may be of any size. */
const OBJECT_DATA: ReadonlySet<string> = new Set([
  'PutObject',
  'UploadPart',
  'WriteGetObjectResponse',
])

/** What is known before the body was read. */
interface Opening {
  readonly head: WireHead
  /** S3 in path style. */
  readonly styled: WireHead
  readonly admission: Admission
  /** From the head alone, where that suffices: S3 and unsigned requests. */
  readonly identity: CallIdentity | undefined
}

const missingToken = (context: GatewayContext, head: WireHead): CallFault => {
  context.telemetry.signatureRefused('missing')
  return signatureRefusal(head, undefined, { reason: 'missing' })
}

const open = async (context: GatewayContext, exchange: Exchange): Promise<Opening> => {
  const head = readHead(exchange.request)
  exchange.head = head
  const claim = readClaim(head)
  exchange.signingName = claimedService(head, claim)
  const bucket = context.virtualBucket(head)
  const { verifier, telemetry, options } = context
  const admission = await admit(
    {
      verifier,
      unknownKeys: options.unknownKeys,
      defaults: options.defaults,
      refused: telemetry.signatureRefused,
    },
    head,
    claim,
    bucket,
  )
  exchange.proven = admission.kind === 'verified' && admission.finish === undefined
  const { scope } = admission
  const s3 = scope === undefined || isS3Family(scope.signingName)
  const styled = s3 ? inPathStyle(head, bucket) : head
  const identity = s3 ? options.identify(styled, scope, undefined) : undefined
  if (scope !== undefined) exchange.protocol = identity?.protocol
  return { head, styled, admission, identity }
}

/** The mismatch of a held body is the signature's: other services have no code for the hash alone. */
const payloadFault = (opening: Opening, error: unknown): unknown => {
  const name = opening.admission.scope?.signingName
  if (!(error instanceof PayloadError) || name === undefined || isS3Family(name)) return error
  return signatureRefusal(opening.head, name, { reason: 'mismatch' })
}

const verifyHeld = (context: GatewayContext, opening: Opening, raw: Buffer): CallBody => {
  const { admission, head } = opening
  const problem = admission.finish?.(hash('sha256', raw, 'hex'))
  if (problem !== undefined) {
    context.telemetry.signatureRefused(problem.reason)
    throw signatureRefusal(head, admission.scope?.signingName, problem)
  }
  try {
    const { payload, trailers } = decodeWhole(admission.payload, raw)
    return { kind: 'whole', raw, payload, trailers }
  } catch (error) {
    context.telemetry.signatureRefused('payload')
    throw payloadFault(opening, error)
  }
}

const streams = (context: GatewayContext, { identity, head }: Opening): boolean => {
  if (identity === undefined || head.contentLength === 0) return false
  const { operation, signingName } = identity
  // What the catalogue cannot name on S3 may be an upload too (a browser's form).
  const data = operation === undefined ? isS3Family(signingName) : OBJECT_DATA.has(operation)
  return data && (head.contentLength ?? Number.POSITIVE_INFINITY) > context.limits.streamFromBytes
}

const takeBody = async (
  context: GatewayContext,
  exchange: Exchange,
  opening: Opening,
): Promise<CallBody> => {
  const { admission, head } = opening
  const { limits, budget } = context
  if (streams(context, opening)) {
    return { kind: 'stream', mode: admission.payload }
  }
  const raw = await readWhole(exchange.request, {
    contentLength: head.contentLength,
    bytesMax: admission.kind === 'anonymous' ? limits.unsignedBodyBytesMax : limits.bodyBytesMax,
    budget,
    limits,
    onStart: (fail) => exchange.readsBody(fail),
  })
  exchange.heldBytes = raw.length
  return verifyHeld(context, opening, raw)
}

/** Anonymous callers get what AWS gives them, and nothing of Clew's own. */
const checkAnonymous = (
  context: GatewayContext,
  { admission, head }: Opening,
  identity: CallIdentity,
): void => {
  if (admission.kind === 'anonymous' && !mayBeUnsigned(identity)) throw missingToken(context, head)
}

/** Each region costs a signing key and a digest chain per trail: a signer may not make any number. */
const tooManyRegions = ({ protocol }: CallIdentity, region: string): CallFault => {
  const isJson = protocol !== 'query' && protocol !== 'ec2' && protocol !== 'rest-xml'
  const code = isJson ? 'AccessDeniedException' : 'AccessDenied'
  return new CallFault(403, code, `The region ${region} is not enabled, and no more can join.`)
}

const begin = (
  context: GatewayContext,
  exchange: Exchange,
  opening: Opening,
  identity: CallIdentity,
  payload: Buffer | undefined,
): CapturedCall => {
  const { admission, head } = opening
  const { defaults } = context.options
  const signedFor = admission.scope?.region ?? defaults.region
  if (admission.kind === 'verified' && !context.isRegionTaken(signedFor)) {
    throw tooManyRegions(identity, signedFor)
  }
  return {
    head,
    identity,
    body: payload,
    caller: admission.caller,
    account: admission.account,
    region: globalRegion(identity.signingName, signedFor),
    eventId: uuid(),
    sourceIp: context.sourceAddress(
      exchange.request.socket.remoteAddress,
      head.headers['x-forwarded-for'],
    ),
    ...(admission.signature && { signature: admission.signature }),
    startedAt: exchange.startedAt,
  }
}

const authorize = (context: GatewayContext, call: CapturedCall): void => {
  if (call.identity.conflict === true) {
    const message = 'The request names more than one operation.'
    throw new CallFault(400, 'InvalidParameterCombination', message)
  }
  const denied = context.options.authorize?.(call.identity, call.caller)
  if (denied !== undefined) throw new CallFault(denied.status, denied.code, denied.message)
}

const serve = async (context: GatewayContext, exchange: Exchange): Promise<void> => {
  const opening = await open(context, exchange)
  const { admission, head, styled } = opening
  if (admission.kind === 'anonymous' && isEmulatorControl(head.rawPath)) {
    const everything = context.options.upstream('unknown')
    if (everything !== undefined) {
      await passThrough(context, exchange, everything)
      return
    }
  }
  const body = await takeBody(context, exchange, opening)
  const payload = body.kind === 'whole' ? body.payload : undefined
  const known = admission.kind === 'anonymous' ? undefined : opening.identity
  const identity = known ?? context.options.identify(styled, admission.scope, payload)
  checkAnonymous(context, opening, identity)
  const call = begin(context, exchange, opening, identity, payload)
  exchange.protocol = identity.protocol
  exchange.signingName = identity.signingName
  exchange.call = call
  authorize(context, call)
  await forward(context, exchange, { call, styled, admission, body })
}

/** Serves one request to its end. Never rejects. */
export const serveExchange = async (context: GatewayContext, exchange: Exchange): Promise<void> => {
  try {
    await serve(context, exchange)
  } catch (error) {
    await exchange.fail(error)
  } finally {
    context.budget.give(exchange.heldBytes)
  }
}
