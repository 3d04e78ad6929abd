/** ARNs: `arn:partition:service:region:account:resource` (IAM User Guide, IAM identifiers). */
import type { Principal, RolePrincipal } from './principal.ts'

export type Partition = 'aws' | 'aws-cn' | 'aws-us-gov'

/** The partition that a region belongs to; regions made up by the operator belong to `aws`. */
export const partitionOf = (region: string): Partition => {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

export interface Arn {
  readonly partition: string
  readonly service: string
  readonly region: string
  readonly account: string
  /** Everything behind the fifth colon; may hold colons itself. */
  readonly resource: string
}

/** Undefined for anything that has not six fields or does not begin with `arn:`. */
export const parseArn = (text: string): Arn | undefined => {
  const [scheme, partition, service, region, account, ...rest] = text.split(':')
  if (scheme !== 'arn' || rest.length === 0) return undefined
  if (partition === undefined || service === undefined) return undefined
  if (region === undefined || account === undefined) return undefined
  return { partition, service, region, account, resource: rest.join(':') }
}

/** The ARN of a caller as STS and CloudTrail write it; undefined for those that have none. */
export const principalArn = (
  principal: Principal,
  partition: Partition = 'aws',
): string | undefined => {
  switch (principal.kind) {
    case 'root':
      return `arn:${partition}:iam::${principal.account}:root`
    case 'user':
      return `arn:${partition}:iam::${principal.account}:user${principal.path}${principal.userName}`
    case 'assumed-role':
      // The role's path is dropped here and only here (reference/formats.md §1.4).
      return `arn:${partition}:sts::${principal.account}:assumed-role/${principal.roleName}/${principal.sessionName}`
    case 'federated-user':
      return `arn:${partition}:sts::${principal.account}:federated-user/${principal.name}`
    default:
      return undefined
  }
}

/** The IAM ARN of the role behind a session, with its path. */
export const roleArnOf = (
  role: Pick<RolePrincipal, 'account' | 'path' | 'roleName'>,
  partition: Partition = 'aws',
): string => `arn:${partition}:iam::${role.account}:role${role.path}${role.roleName}`
