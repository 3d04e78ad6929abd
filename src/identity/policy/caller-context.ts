/** The global condition keys that a caller and a request give (IAM User Guide, "AWS global condition context keys"). */
import { type Partition, principalArn, roleArnOf } from '../../event/arn.ts'
import type { Caller, Principal } from '../../event/principal.ts'
import { isoSeconds } from '../../platform/clock.ts'

export interface RequestFacts {
  readonly caller: Caller
  readonly partition: Partition
  readonly region: string
  readonly sourceIp: string
  readonly secureTransport: boolean
  readonly userAgent?: string
  /** Epoch milliseconds. */
  readonly now: number
}

type Keys = Record<string, string | readonly string[] | undefined>

/** `aws:PrincipalType` by kind. */
const PRINCIPAL_TYPES: Partial<Readonly<Record<Principal['kind'], string>>> = {
  root: 'Account',
  user: 'User',
  'assumed-role': 'AssumedRole',
  'federated-user': 'FederatedUser',
  anonymous: 'Anonymous',
}

/** `aws:userid`, which is also GetCallerIdentity's UserId. Undefined for services and the unknown. */
export const userIdOf = (principal: Principal): string | undefined => {
  switch (principal.kind) {
    case 'root':
      return principal.account
    case 'user':
      return principal.userId
    case 'assumed-role':
      return `${principal.roleId}:${principal.sessionName}`
    case 'federated-user':
      return `${principal.account}:${principal.name}`
    case 'anonymous':
      return 'anonymous'
    default:
      return undefined
  }
}

const sessionKeys = ({ session }: Caller): Keys =>
  session === undefined
    ? {}
    : {
        'aws:MultiFactorAuthPresent': String(session.mfaAuthenticated),
        'aws:TokenIssueTime': isoSeconds(session.createdAt),
        'aws:SourceIdentity': session.sourceIdentity,
      }

/** Goes into `requestContext`, with what a service adds. */
export const callerContext = (facts: RequestFacts): Keys => {
  const { caller, partition, now } = facts
  const { principal } = caller
  return {
    'aws:CurrentTime': isoSeconds(now),
    'aws:EpochTime': String(Math.floor(now / 1_000)),
    'aws:SourceIp': facts.sourceIp,
    'aws:SecureTransport': String(facts.secureTransport),
    'aws:RequestedRegion': facts.region,
    'aws:UserAgent': facts.userAgent,
    // A role session's is the role's ARN, not the session's.
    'aws:PrincipalArn':
      principal.kind === 'assumed-role'
        ? roleArnOf(principal, partition)
        : principalArn(principal, partition),
    'aws:PrincipalAccount': 'account' in principal ? principal.account : undefined,
    'aws:PrincipalType': PRINCIPAL_TYPES[principal.kind],
    'aws:PrincipalIsAWSService': String(principal.kind === 'service'),
    'aws:PrincipalServiceName': principal.kind === 'service' ? principal.service : undefined,
    'aws:userid': userIdOf(principal),
    'aws:username': principal.kind === 'user' ? principal.userName : undefined,
    ...sessionKeys(caller),
  }
}
