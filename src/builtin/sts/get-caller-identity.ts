import { principalArn } from '../../event/arn.ts'
import { userIdOf } from '../../identity/policy/caller-context.ts'
import type { StsOperation } from './operation.ts'

/** GetCallerIdentity: every valid key may ask, no policy can forbid it. */
export const getCallerIdentity: StsOperation = async ({ call, partition }) => ({
  Arn: principalArn(call.caller.principal, partition),
  UserId: userIdOf(call.caller.principal),
  Account: call.account,
})
