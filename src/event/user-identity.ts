/**
 * `userIdentity` as CloudTrail writes it: which keys, in which order, for which caller
 * (reference/formats.md §1.4, reference/capture.md §4). The golden cases are in
 * test/golden/user-identity.
 */
import { isoSeconds } from '../platform/clock.ts'
import { type Partition, principalArn, roleArnOf } from './arn.ts'
import type { Caller, Principal, RootPrincipal, SessionFacts, UserPrincipal } from './principal.ts'

type Keys = Record<string, unknown>

const NONE: Keys = {}

/** Id and name of a user, each only where it is known. */
const userKeys = (user: UserPrincipal): { id: Keys; name: Keys } => ({
  id: user.userId === '' ? NONE : { principalId: user.userId },
  name: { userName: user.userName },
})

const rootKeys = (root: RootPrincipal): { id: Keys; name: Keys } => ({
  id: { principalId: root.account },
  // AWS shows a root's name only where the account has an alias, and then it is the alias.
  name: root.alias === undefined ? NONE : { userName: root.alias },
})

const issuerOf = (principal: Principal, partition: Partition): Keys => {
  switch (principal.kind) {
    case 'assumed-role':
      return {
        type: 'Role',
        principalId: principal.roleId,
        arn: roleArnOf(principal, partition),
        accountId: principal.account,
        userName: principal.roleName,
      }
    case 'federated-user': {
      const { issuer } = principal
      const { id, name } = issuer.kind === 'root' ? rootKeys(issuer) : userKeys(issuer)
      const type = issuer.kind === 'root' ? 'Root' : 'IAMUser'
      const arn = principalArn(issuer, partition)
      return { type, ...id, arn, accountId: issuer.account, ...name }
    }
    default:
      return {}
  }
}

const sessionContextOf = (
  principal: Principal,
  session: SessionFacts | undefined,
  partition: Partition,
): Keys => {
  if (session === undefined) return NONE
  const { webIdFederation, sourceIdentity } = session
  const attributes = {
    creationDate: isoSeconds(session.createdAt),
    // Strings, not booleans, in every record that AWS delivers.
    mfaAuthenticated: session.mfaAuthenticated ? 'true' : 'false',
  }
  // Real records of root sessions carry the attributes alone.
  if (principal.kind === 'root') return { sessionContext: { attributes } }
  return {
    sessionContext: {
      sessionIssuer: issuerOf(principal, partition),
      webIdFederationData:
        webIdFederation === undefined
          ? {}
          : {
              federatedProvider: webIdFederation.provider,
              attributes: webIdFederation.attributes,
            },
      attributes,
      ...(sourceIdentity === undefined ? NONE : { sourceIdentity }),
    },
  }
}

/** Every key but accessKeyId, sessionContext and invokedBy, split where those go in between. */
const headOf = (principal: Principal, partition: Partition): { head: Keys; tail: Keys } => {
  const arn = principalArn(principal, partition)
  switch (principal.kind) {
    case 'root': {
      const { id, name } = rootKeys(principal)
      return { head: { type: 'Root', ...id, arn, accountId: principal.account }, tail: name }
    }
    case 'user': {
      const { id, name } = userKeys(principal)
      return { head: { type: 'IAMUser', ...id, arn, accountId: principal.account }, tail: name }
    }
    case 'assumed-role': {
      const principalId = `${principal.roleId}:${principal.sessionName}`
      const accountId = principal.account
      return { head: { type: 'AssumedRole', principalId, arn, accountId }, tail: NONE }
    }
    case 'federated-user': {
      const principalId = `${principal.account}:${principal.name}`
      const accountId = principal.account
      return { head: { type: 'FederatedUser', principalId, arn, accountId }, tail: NONE }
    }
    case 'saml-user': {
      const { nameQualifier, subject } = principal
      return {
        head: { type: 'SAMLUser', principalId: `${nameQualifier}:${subject}` },
        tail: { userName: subject, identityProvider: nameQualifier },
      }
    }
    case 'web-identity-user': {
      const { issuer, audience, subject } = principal
      return {
        head: { type: 'WebIdentityUser', principalId: `${issuer}:${audience}:${subject}` },
        tail: { userName: subject, identityProvider: issuer },
      }
    }
    case 'service':
      return { head: { type: 'AWSService' }, tail: { invokedBy: principal.service } }
    case 'anonymous':
      // S3's form: the only service that Clew knows to take calls without a signature.
      return { head: { type: 'AWSAccount', principalId: '', accountId: 'anonymous' }, tail: NONE }
    case 'unknown':
      return { head: { type: 'Unknown' }, tail: NONE }
  }
}

/** The record's `userIdentity`, its keys in AWS's order. `partition`: that of the call's region. */
export const userIdentityOf = (caller: Caller, partition: Partition = 'aws'): Keys => {
  const { principal, accessKeyId, session, invokedBy } = caller
  const { head, tail } = headOf(principal, partition)
  return {
    ...head,
    ...(accessKeyId === undefined ? NONE : { accessKeyId }),
    ...tail,
    ...sessionContextOf(principal, session, partition),
    ...(invokedBy === undefined ? NONE : { invokedBy }),
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** What stands behind the last slash or colon; undefined where there is neither. */
const lastPart = (text: string | undefined, separator: string): string | undefined => {
  const at = text?.lastIndexOf(separator) ?? -1
  return at < 0 ? undefined : textOf(text?.slice(at + 1))
}

/**
 * LookupEvents' `Username` (reference/formats.md §7): `root`, a user's name, a role session's name.
 * Undefined where AWS leaves the member out: services, foreign accounts, anonymous callers.
 */
export const usernameOf = (userIdentity: unknown): string | undefined => {
  if (typeof userIdentity !== 'object' || userIdentity === null) return undefined
  const { type, userName, arn, principalId } = userIdentity as Keys
  switch (type) {
    case 'Root':
      return 'root'
    case 'AssumedRole':
    case 'FederatedUser':
      // A session's name has no slash, so the ARN's last part is it whatever the role's path.
      return lastPart(textOf(arn), '/') ?? lastPart(textOf(principalId), ':') ?? textOf(userName)
    default:
      return textOf(userName)
  }
}
