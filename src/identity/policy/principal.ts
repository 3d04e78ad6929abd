/** Who asks, and whether a statement's Principal element names them (IAM User Guide, Principal). */
import { type Partition, principalArn, roleArnOf } from '../../event/arn.ts'
import type { Principal } from '../../event/principal.ts'

export type RequestPrincipal =
  | { readonly kind: 'service'; readonly service: string }
  | {
      readonly kind: 'aws'
      readonly arn: string
      readonly account: string
      /** Sessions of a role: the role's own ARN, which names all its sessions. */
      readonly roleArn?: string
      /** AIDA…, AROA…: what AWS writes where a named principal was deleted. */
      readonly uniqueId?: string
    }
  | { readonly kind: 'federated'; readonly provider: string }
  | { readonly kind: 'anonymous' }

/** Undefined for principals that no policy can name: unknown keys. */
export const requestPrincipalOf = (
  principal: Principal,
  partition: Partition = 'aws',
): RequestPrincipal | undefined => {
  if (principal.kind === 'service') return { kind: 'service', service: principal.service }
  if (principal.kind === 'anonymous') return { kind: 'anonymous' }
  const arn = principalArn(principal, partition)
  if (arn === undefined || !('account' in principal)) return undefined
  const { account } = principal
  if (principal.kind === 'assumed-role') {
    const roleArn = roleArnOf(principal, partition)
    return { kind: 'aws', arn, account, roleArn, uniqueId: principal.roleId }
  }
  if (principal.kind === 'user') return { kind: 'aws', arn, account, uniqueId: principal.userId }
  return { kind: 'aws', arn, account }
}

/** `*`, or the members of the element. */
export type PrincipalElement =
  | '*'
  | {
      readonly aws: readonly string[]
      readonly service: readonly string[]
      readonly federated: readonly string[]
      readonly canonicalUser: readonly string[]
    }

const accountOf = (entry: string): string | undefined =>
  /^(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?$/.exec(entry)?.[1]

/** The names under which a principal may be listed, from the account down to the session. */
const namesOf = (
  principal: RequestPrincipal & { kind: 'aws' },
): readonly ((entry: string) => boolean)[] => {
  const names = [(entry: string) => accountOf(entry) === principal.account]
  const { arn, roleArn, uniqueId } = principal
  if (roleArn !== undefined) names.push((entry) => entry === roleArn || entry === uniqueId)
  if (roleArn !== undefined) names.push((entry) => entry === arn)
  // The root user has no name besides the account's own.
  else if (accountOf(arn) === undefined) {
    names.push((entry) => entry === arn || (uniqueId !== '' && entry === uniqueId))
  }
  return names
}

/** `'*'` and `{"AWS": "*"}` are the same in a resource policy: everybody, services included. */
const isEveryone = (element: PrincipalElement): boolean =>
  element === '*' || element.aws.includes('*')

/** Principal: any name is enough; the account's names every principal in it. */
export const isNamed = (element: PrincipalElement, principal: RequestPrincipal): boolean => {
  if (element === '*' || isEveryone(element)) return true
  switch (principal.kind) {
    case 'service':
      return element.service.includes(principal.service) || element.service.includes('*')
    case 'federated':
      return element.federated.includes(principal.provider)
    case 'anonymous':
      return false
    case 'aws':
      return namesOf(principal).some((named) => element.aws.some(named))
  }
}

/**
 * NotPrincipal with Deny: exempt is only who is listed with every name they have (account, role and
 * session, or account and user), which is what AWS tells policy authors to write.
 */
export const isNamedThroughout = (
  element: PrincipalElement,
  principal: RequestPrincipal,
): boolean => {
  if (element === '*' || principal.kind !== 'aws' || isEveryone(element)) {
    return isNamed(element, principal)
  }
  return namesOf(principal).every((named) => element.aws.some(named))
}
