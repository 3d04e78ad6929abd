/** Who sent a request, from its head alone. Nothing of the body has been read. */
import type { Caller } from '../../../event/principal.ts'
import type { CapturedCall, SigningScope } from '../../call.ts'
import { type CallFault, faultOfSignature } from '../../faults/call-fault.ts'
import { protocolGuess } from '../../faults/protocol-guess.ts'
import { signatureFault } from '../../signature/answers/signature-fault.ts'
import type { SignatureProblem } from '../../signature/answers/signature-problem.ts'
import type { ClaimReading, SignatureClaim } from '../../signature/claim.ts'
import { regionOfSet } from '../../signature/keys/region-set.ts'
import { type PayloadMode, payloadModeOf } from '../../signature/payload/payload-mode.ts'
import { decodeQueryPart } from '../../signature/uri-encoding.ts'
import type { SignatureVerifier } from '../../signature/verifier.ts'
import type { WireHead } from './wire-head.ts'

export interface Admission {
  /** `unknown-key`: nothing was verified; such a call may only go to an upstream. */
  readonly kind: 'verified' | 'anonymous' | 'unknown-key'
  readonly caller: Caller
  readonly account: string
  /** Of the signature; SigV2, which has none, is S3 in the default region; SigV4A: `regionOfSet`. */
  readonly scope?: SigningScope
  readonly signature?: NonNullable<CapturedCall['signature']>
  readonly payload: PayloadMode
  /** The rest of the verification, once the body's SHA-256 is known. */
  readonly finish?: (bodySha256: string) => SignatureProblem | undefined
}

export interface AdmissionOptions {
  readonly verifier: SignatureVerifier
  readonly unknownKeys: 'reject' | 'record'
  readonly defaults: { readonly account: string; readonly region: string }
  readonly refused: (reason: string) => void
}

/** The error of the service that the client believes to talk to. */
export const signatureRefusal = (
  head: WireHead,
  signingName: string | undefined,
  problem: SignatureProblem,
): CallFault =>
  faultOfSignature(signatureFault(protocolGuess(head, signingName), signingName, problem))

const scopeOf = (claim: SignatureClaim, region: string): SigningScope => {
  if (claim.version === 'SigV4') return claim.scope
  if (claim.version === 'SigV2') return { signingName: 's3', region }
  const { signingName, regionSet } = claim.scope
  return { signingName, region: regionOfSet(regionSet, region) }
}

/** The service that the client believes to talk to, as its signature says. */
export const claimedService = (head: WireHead, claim: ClaimReading): string | undefined => {
  if (claim === undefined) return undefined
  if ('problem' in claim) {
    // Whatever is wrong with it, the error should be one that the client can read.
    const text = head.headers.authorization ?? decodeQueryPart(head.rawQuery) ?? ''
    return /\/([A-Za-z0-9-]{1,64})\/aws4_request/.exec(text)?.[1]
  }
  return claim.version === 'SigV2' ? 's3' : claim.scope.signingName
}

/** Framing without verification: what comes is only passed on. */
const unverifiedPayload = (head: WireHead): PayloadMode => {
  const given = head.headers['x-amz-content-sha256']
  const mode = given === undefined ? undefined : payloadModeOf(head, given)
  return mode === undefined || 'wrong' in mode ? { kind: 'unsigned' } : mode
}

/** `claim`: what readClaim found in the head. Throws CallFault where it does not hold. */
export const admit = async (
  options: AdmissionOptions,
  head: WireHead,
  claim: ClaimReading,
  virtualBucket: string | undefined,
): Promise<Admission> => {
  if (claim === undefined) {
    return {
      kind: 'anonymous',
      caller: { principal: { kind: 'anonymous' } },
      account: options.defaults.account,
      payload: unverifiedPayload(head),
    }
  }
  const refuse = (problem: SignatureProblem): CallFault => {
    options.refused(problem.reason)
    return signatureRefusal(head, claimedService(head, claim), problem)
  }
  if ('problem' in claim) throw refuse(claim.problem)
  const scope = scopeOf(claim, options.defaults.region)
  const signature = { version: claim.version, method: claim.method }
  const verdict = await options.verifier.verify(head, claim, virtualBucket)
  if (!('problem' in verdict)) {
    const { credential, payload, finish } = verdict
    const { caller, account } = credential
    const base = { kind: 'verified', caller, account, scope, signature, payload } as const
    return finish === undefined ? base : { ...base, finish }
  }
  if (verdict.problem.reason !== 'unknown-key' || options.unknownKeys === 'reject') {
    throw refuse(verdict.problem)
  }
  return {
    kind: 'unknown-key',
    caller: { principal: { kind: 'unknown' }, accessKeyId: claim.accessKeyId },
    account: options.defaults.account,
    scope,
    signature,
    payload: unverifiedPayload(head),
  }
}
