/**
 * What a request says about its own signature, before anything of it is believed: the
 * Authorization header or the parameters of a presigned URL, taken apart and checked for form.
 */
import type { RequestHead } from '../call.ts'
import type { SignatureProblem } from './answers/signature-problem.ts'
import type { ClaimedScope } from './claim-parts.ts'
import { readHeaderClaim } from './header-claim.ts'
import { readQueryClaim } from './query-claim.ts'

interface ClaimBase {
  readonly accessKeyId: string
  readonly signature: string
  /** `x-amz-security-token` of the header or the query; absent for long-term keys. */
  readonly securityToken?: string
}

interface V4Base extends ClaimBase {
  readonly method: 'AuthHeader' | 'QueryString'
  /** `20260302/eu-west-1/s3/aws4_request`; without a region in version 4A. */
  readonly scopeText: string
  /** `20260302T081407Z`, the second line of the string to sign. */
  readonly amzDate: string
  /** Epoch milliseconds. */
  readonly signedAt: number
  readonly signedHeaders: readonly string[]
  /** Presigned URLs only; seconds. */
  readonly expiresSeconds?: number
}

export type SigV4Claim = V4Base & ClaimedScope

/** Presigned S3 URLs only: `aws s3 presign` with its default settings still makes them. */
export interface SigV2Claim extends ClaimBase {
  readonly version: 'SigV2'
  readonly method: 'QueryString'
  /** As sent: epoch seconds. */
  readonly expires: string
}

export type SignatureClaim = SigV4Claim | SigV2Claim

/** `undefined`: the request carries no signature at all. */
export type ClaimReading = SignatureClaim | { readonly problem: SignatureProblem } | undefined

/** Cheap and necessary for every kind of query authentication. */
const MAY_BE_PRESIGNED = /Signature|AWSAccessKeyId|X-Amz-(?:Algorithm|Credential)/

/** Reads the signature of a request. Never throws; what it returns is not verified. */
export const readClaim = (head: RequestHead): ClaimReading => {
  const authorization = head.headers.authorization
  const inQuery = MAY_BE_PRESIGNED.test(head.rawQuery) ? readQueryClaim(head) : undefined
  if (authorization === undefined) return inQuery
  // Two signatures: whoever checks one may act on the other.
  return inQuery === undefined
    ? readHeaderClaim(head, authorization)
    : { problem: { reason: 'several' } }
}
