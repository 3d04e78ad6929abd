import { callerContext } from '../../identity/policy/caller-context.ts'
import { requestContext } from '../../identity/policy/context.ts'
import { evaluateResourcePolicy } from '../../identity/policy/evaluate.ts'
import { createPolicyCache } from '../../identity/policy/policy-cache.ts'
import { requestPrincipalOf } from '../../identity/policy/principal.ts'
import type { SessionTag } from '../../identity/store/records.ts'
import type { StsCall } from './operation.ts'

export interface TrustRequest {
  readonly trustPolicy: string
  readonly roleArn: string
  readonly action: 'sts:AssumeRole' | 'sts:TagSession' | 'sts:SetSourceIdentity'
  readonly sourceIdentity: string | undefined
  readonly tags: readonly SessionTag[]
  readonly callerTags: readonly SessionTag[]
  /** Epoch milliseconds. */
  readonly now: number
}

/** Whether a role's trust policy lets the caller do this to the role. */
export type TrustCheck = (call: StsCall, request: TrustRequest) => boolean

const tagKeys = (prefix: string, tags: readonly SessionTag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ key, value }) => [`${prefix}/${key}`, value]))

const contextOf = ({ call, parameters, partition }: StsCall, request: TrustRequest) => {
  const { caller, region, sourceIp, secureTransport, headers } = call
  const userAgent = headers['user-agent']
  const { now, tags, callerTags } = request
  const absentWhenEmpty = (keys: string[]): string[] | undefined =>
    keys.length === 0 ? undefined : keys
  return requestContext({
    ...callerContext({
      caller,
      partition,
      region,
      sourceIp,
      secureTransport,
      now,
      ...(userAgent === undefined ? {} : { userAgent }),
    }),
    'sts:ExternalId': parameters.get('ExternalId') ?? undefined,
    'sts:RoleSessionName': parameters.get('RoleSessionName') ?? undefined,
    'sts:SourceIdentity': request.sourceIdentity,
    'aws:TagKeys': absentWhenEmpty(tags.map(({ key }) => key)),
    'sts:TransitiveTagKeys': absentWhenEmpty(
      tags.filter(({ transitive }) => transitive).map(({ key }) => key),
    ),
    ...tagKeys('aws:RequestTag', tags),
    ...tagKeys('aws:PrincipalTag', callerTags),
  })
}

export const createTrustCheck = (): TrustCheck => {
  const policyOf = createPolicyCache('trust')
  return (call, request) => {
    const principal = requestPrincipalOf(call.call.caller.principal, call.partition)
    if (principal === undefined) return false
    const { action, roleArn } = request
    const context = contextOf(call, request)
    const decision = evaluateResourcePolicy(policyOf(request.trustPolicy), {
      principal,
      action,
      resource: roleArn,
      context,
    })
    return decision === 'allow'
  }
}
