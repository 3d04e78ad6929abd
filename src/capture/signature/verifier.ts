/**
 * Verifies the signature of a request against the credential it names. Own code, because the
 * libraries only sign, and signing again normalises what was sent (reference/capture.md §3).
 */
import { hash, type KeyObject } from 'node:crypto'
import type { Credential, CredentialDirectory } from '../../identity/credentials.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SignatureProblem } from './answers/signature-problem.ts'
import { canonicalRequests, isS3Family, type SignedHead } from './canonical-request.ts'
import type { SignatureClaim, SigV2Claim, SigV4Claim } from './claim.ts'
import { equalTexts } from './equal-texts.ts'
import { type AsymmetricKeys, createAsymmetricKeys } from './keys/asymmetric-key.ts'
import { createSigningKeys, type SigningKeys } from './keys/signing-keys.ts'
import { algorithmOf, textSignatureHolds } from './keys/text-signature.ts'
import {
  EMPTY_SHA256,
  type PayloadMode,
  payloadModeOf,
  UNSIGNED_PAYLOAD,
} from './payload/payload-mode.ts'
import { sigV2Signature, sigV2StringToSign } from './sigv2.ts'
import { decodeQueryPart, queryPairs } from './uri-encoding.ts'

/** AWS tolerates 15 minutes between the client's clock and its own. */
export const SKEW_MS = 15 * 60_000

export interface VerifiedSignature {
  readonly credential: Credential
  readonly payload: PayloadMode
  /**
   * With payload `deferred` only, and then it MUST be called before the request is believed: checks
   * the signature with the SHA-256 of the whole body in hexadecimal.
   */
  readonly finish?: (bodySha256: string) => SignatureProblem | undefined
}

export type Verdict = VerifiedSignature | { readonly problem: SignatureProblem }

export interface SignatureVerifier {
  /** `virtualBucket`: the bucket in the Host header, for signatures of version 2. */
  verify(head: SignedHead, claim: SignatureClaim, virtualBucket?: string): Promise<Verdict>
}

const refuse = (problem: SignatureProblem): { problem: SignatureProblem } => ({ problem })

const timeProblem = (
  claim: SignatureClaim,
  now: number,
  skewMs: number,
): SignatureProblem | undefined => {
  if (claim.version === 'SigV2') {
    const at = Number(claim.expires) * 1000
    return at < now ? { reason: 'url-expired', at, now } : undefined
  }
  const at = claim.signedAt
  if (claim.expiresSeconds === undefined) {
    return Math.abs(now - at) > skewMs ? { reason: 'skewed', at, now, skewMs } : undefined
  }
  if (at > now + skewMs) return { reason: 'url-early', at, now }
  const end = at + claim.expiresSeconds * 1000
  return end < now ? { reason: 'url-expired', at: end, now } : undefined
}

const tokenProblem = (
  claim: SignatureClaim,
  credential: Credential,
  now: number,
): SignatureProblem | undefined => {
  if (!equalTexts(claim.securityToken ?? '', credential.sessionToken ?? '')) {
    return { reason: 'bad-token' }
  }
  const { expiresAt } = credential
  return expiresAt !== undefined && expiresAt <= now ? { reason: 'expired-token' } : undefined
}

/** Host and every x-amz-* header of the request must be signed. */
const unsignedHeader = (head: SignedHead, signed: readonly string[]): string | undefined => {
  const names = new Set(signed)
  if (!names.has('host')) return 'host'
  for (const name in head.headers) {
    if (name.startsWith('x-amz-') && !names.has(name)) return name
  }
  return undefined
}

const queryValue = (head: SignedHead, name: string): string | undefined => {
  for (const pair of queryPairs(head.rawQuery)) {
    if (pair.name === name) return decodeQueryPart(pair.value)
  }
  return undefined
}

/**
 * What may stand in the last line of the canonical request, with the mode that follows from it.
 * None: the hash of a body that has not been read yet.
 */
const payloadCandidates = (
  head: SignedHead,
  claim: SigV4Claim,
): { line: string; mode: PayloadMode }[] | { readonly problem: SignatureProblem } => {
  const s3 = isS3Family(claim.scope.signingName)
  const presigned = claim.method === 'QueryString'
  const given =
    head.headers['x-amz-content-sha256'] ??
    (presigned ? queryValue(head, 'X-Amz-Content-Sha256') : undefined)
  if (given !== undefined) {
    const mode = payloadModeOf(head, given)
    if ('wrong' in mode) return refuse({ reason: 'bad-payload', detail: mode.wrong })
    if (mode.kind === 'chunked' && !s3) {
      return refuse({ reason: 'bad-payload', detail: 'Only S3 takes payloads in chunks.' })
    }
    if (mode.kind === 'chunked' && mode.signed && mode.signatures !== claim.version) {
      const detail = 'The chunks must be signed with the algorithm of the request.'
      return refuse({ reason: 'bad-payload', detail })
    }
    return [{ line: given, mode }]
  }
  if (!s3) return []
  if (!presigned) {
    const detail = 'Missing required header for this request: x-amz-content-sha256'
    return refuse({ reason: 'bad-payload', detail })
  }
  return [
    { line: UNSIGNED_PAYLOAD, mode: { kind: 'unsigned' } },
    { line: EMPTY_SHA256, mode: { kind: 'hash', sha256: EMPTY_SHA256 } },
  ]
}

/** True where one of the forms of the request that AWS accepts has the claimed signature. */
const holds = (key: KeyObject, head: SignedHead, claim: SigV4Claim, payloadLine: string): boolean =>
  canonicalRequests(head, claim.scope.signingName, claim.signedHeaders, payloadLine).some(
    (canonical) => {
      const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')
      const text = `${algorithmOf(key)}\n${claim.amzDate}\n${claim.scopeText}\n${digest}`
      return textSignatureHolds(key, text, claim.signature)
    },
  )

interface Keys {
  readonly symmetric: SigningKeys
  readonly asymmetric: AsymmetricKeys
}

/** The key of a claim, and what to do with it once a signature held under it. */
const keyOf = (keys: Keys, claim: SigV4Claim, credential: Credential) => {
  const { accessKeyId, signingSecret, secret } = credential
  if (claim.version === 'SigV4A') {
    return { key: keys.asymmetric.of(accessKeyId, secret), keep: () => {} }
  }
  const key = keys.symmetric.of(accessKeyId, signingSecret, claim.scopeText)
  return { key, keep: () => keys.symmetric.keep(accessKeyId, signingSecret, claim.scopeText, key) }
}

const verifyV4 = (
  keys: Keys,
  head: SignedHead,
  claim: SigV4Claim,
  credential: Credential,
): Verdict => {
  const unsigned = unsignedHeader(head, claim.signedHeaders)
  if (unsigned !== undefined) return refuse({ reason: 'unsigned-header', name: unsigned })
  const candidates = payloadCandidates(head, claim)
  if ('problem' in candidates) return candidates
  // Signed but not sent: an empty header, left out on the way, would read the same.
  if (claim.signedHeaders.some((name) => head.headers[name] === undefined)) {
    return refuse({ reason: 'mismatch' })
  }
  const { key, keep } = keyOf(keys, claim, credential)
  const check = (line: string): boolean => {
    const held = holds(key, head, claim, line)
    if (held) keep()
    return held
  }
  if (candidates.length === 0) {
    const finish = (bodySha256: string): SignatureProblem | undefined =>
      check(bodySha256) ? undefined : { reason: 'mismatch' }
    return { credential, payload: { kind: 'deferred' }, finish }
  }
  const found = candidates.find(({ line }) => check(line))
  if (found === undefined) return refuse({ reason: 'mismatch' })
  if (found.mode.kind !== 'chunked' || !found.mode.signed) {
    return { credential, payload: found.mode }
  }
  const { amzDate, scopeText, signature } = claim
  return {
    credential,
    payload: { ...found.mode, signing: { key, amzDate, scopeText, seed: signature } },
  }
}

const verifyV2 = (
  head: SignedHead,
  claim: SigV2Claim,
  credential: Credential,
  virtualBucket: string | undefined,
): Verdict => {
  const text = sigV2StringToSign(head, claim, virtualBucket)
  return equalTexts(sigV2Signature(credential.secret, text), claim.signature)
    ? { credential, payload: { kind: 'unsigned' } }
    : refuse({ reason: 'mismatch' })
}

export const createSignatureVerifier = (options: {
  readonly directory: CredentialDirectory
  readonly clock: Pick<Clock, 'now'>
  /** Milliseconds. */
  readonly skewMs?: number
}): SignatureVerifier => {
  const keys = { symmetric: createSigningKeys(), asymmetric: createAsymmetricKeys() }
  const skewMs = options.skewMs ?? SKEW_MS
  return {
    verify: async (head, claim, virtualBucket) => {
      const credential = await options.directory.find(claim.accessKeyId)
      if (credential === undefined) {
        return refuse({ reason: 'unknown-key', accessKeyId: claim.accessKeyId })
      }
      const now = options.clock.now()
      const problem = timeProblem(claim, now, skewMs) ?? tokenProblem(claim, credential, now)
      if (problem !== undefined) return refuse(problem)
      return claim.version === 'SigV2'
        ? verifyV2(head, claim, credential, virtualBucket)
        : verifyV4(keys, head, claim, credential)
    },
  }
}
