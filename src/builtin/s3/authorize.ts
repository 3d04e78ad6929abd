/**
 * Who may use the built-in S3 in this release: the root of the account that owns a bucket, and
 * whoever the bucket's policy allows explicitly. Everybody else is denied, anonymous callers always.
 */
import { partitionOf } from '../../event/arn.ts'
import type { Principal } from '../../event/principal.ts'
import type { VerifiedCall } from '../../identity/verified-call.ts'
import type { BucketRecord } from '../../outlets/file-system/buckets.ts'
import { isPublicPolicy } from './buckets/public-policy.ts'
import { S3Fault } from './fault.ts'
import { type AuthorizeS3, factsOf, parseQuery, type S3Context } from './request.ts'

export interface PolicyQuestion {
  readonly principal: Principal
  /** `s3:GetObject` */
  readonly action: string
  readonly resource: string
  /** Condition keys as their documentation spells them. */
  readonly context: Readonly<Record<string, string | string[]>>
}

/** Judges the JSON text of a bucket policy; `none`: no statement speaks of the question. */
export type EvaluateBucketPolicy = (
  policyText: string,
  question: PolicyQuestion,
) => 'allow' | 'deny' | 'none'

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
const contextOf = (call: VerifiedCall): Record<string, string> => {
  const context: Record<string, string> = {
    'aws:SourceIp': call.sourceIp,
    'aws:SecureTransport': String(call.secureTransport),
    'aws:PrincipalAccount': call.account,
  }
  const query = parseQuery(call.rawQuery)
  for (const name of ['prefix', 'delimiter', 'max-keys']) {
    const value = query.get(name)
    if (value !== undefined) context[`s3:${name}`] = value
  }
  for (const name of ['x-amz-acl', 'x-amz-storage-class', 'x-amz-server-side-encryption']) {
    const value = call.headers[name]
    if (value !== undefined) context[`s3:${name}`] = value
  }
  return context
}

export const authorizeS3 =
  (evaluate: EvaluateBucketPolicy): AuthorizeS3 =>
  async (call, action, bucket, key) => {
    const { principal } = call.caller
    if (principal.kind === 'anonymous' || principal.kind === 'unknown') return 'deny'
    if (principal.kind === 'root') {
      if (bucket === undefined || principal.account === bucket.account) return 'allow'
    }
    if (bucket?.policy === undefined) return 'deny'
    const arn = `arn:${partitionOf(bucket.region)}:s3:::${bucket.name}`
    const resource = key === undefined ? arn : `${arn}/${key}`
    const verdict = evaluate(bucket.policy, {
      principal,
      action,
      resource,
      context: contextOf(call),
    })
    return verdict === 'allow' ? 'allow' : 'deny'
  }

/**
 * RestrictPublicBuckets: a public policy opens the bucket to nobody outside its own account
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
 */
const isRestricted = (call: VerifiedCall, { account, settings }: BucketRecord): boolean => {
  const { policy, publicAccessBlock } = settings
  if (call.account === account || policy === undefined) return false
  return publicAccessBlock?.RestrictPublicBuckets === true && isPublicPolicy(JSON.parse(policy))
}

/** The one question every operation asks; throws AccessDenied. */
export const requireAccess = async (
  { authorize }: S3Context,
  call: VerifiedCall,
  action: string,
  bucket: BucketRecord | undefined,
  key: string | undefined,
): Promise<void> => {
  const verdict = await authorize(call, action, bucket && factsOf(bucket), key)
  if (verdict === 'deny' || (bucket !== undefined && isRestricted(call, bucket))) {
    throw new S3Fault('AccessDenied')
  }
}
