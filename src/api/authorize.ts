/** Who may call which operation. */
import { type Partition, principalArn } from '../event/arn.ts'
import type { Caller } from '../event/principal.ts'

export interface AuthorizationRequest {
  readonly caller: Caller
  /** The account whose trails are meant. */
  readonly account: string
  readonly partition: Partition
  /** `cloudtrail:CreateTrail` */
  readonly action: string
}

/** Resolves with the text of AccessDeniedException, or undefined when the caller may. */
export type Authorize = (request: AuthorizationRequest) => Promise<string | undefined>

/** AWS's words (reference/control-plane.md §0.2). */
const denial = ({ caller, partition, action }: AuthorizationRequest): string => {
  const arn = principalArn(caller.principal, partition) ?? 'anonymous'
  return `User: ${arn} is not authorized to perform: ${action} because no identity-based policy allows the ${action} action`
}

/** Until identity policies are evaluated, only root keys of the account may call Clew. */
export const authorizeRootOnly: Authorize = async (request) => {
  const { principal } = request.caller
  return principal.kind === 'root' && principal.account === request.account
    ? undefined
    : denial(request)
}
