/**
 * The built-in STS: GetCallerIdentity, AssumeRole and GetSessionToken over the credential store,
 * query protocol. What it lacks answers 501 NotImplemented by name. Signatures were verified before
 * a call comes here; every valid key may call, AssumeRole asks the role's trust policy.
 */
import { partitionOf } from '../../event/arn.ts'
import type { Identities } from '../../identity/identities.ts'
import type { BuiltinService, VerifiedCall } from '../../identity/verified-call.ts'
import type { Clock } from '../../platform/clock.ts'
import { faultAnswer, resultAnswer } from './answer.ts'
import { assumeRole } from './assume-role.ts'
import { getCallerIdentity } from './get-caller-identity.ts'
import { getSessionToken } from './get-session-token.ts'
import type { StsContext, StsOperation } from './operation.ts'
import { readParameters } from './parameters.ts'
import { StsFault } from './sts-fault.ts'
import { createTrustCheck } from './trust.ts'

const VERSION = '2011-06-15'

const notImplemented: StsOperation = async ({ parameters }) => {
  const operation = parameters.get('Action')
  throw new StsFault(
    'NotImplemented',
    `${operation} is not implemented by the built-in STS. To use another STS, start Clew with --upstream sts=http://HOST:PORT.`,
  )
}

/** Every operation of the STS model; others are unknown to AWS too. */
const OPERATIONS: ReadonlyMap<string, StsOperation> = new Map([
  ['AssumeRole', assumeRole],
  ['AssumeRoleWithSAML', notImplemented],
  ['AssumeRoleWithWebIdentity', notImplemented],
  ['AssumeRoot', notImplemented],
  ['DecodeAuthorizationMessage', notImplemented],
  ['GetAccessKeyInfo', notImplemented],
  ['GetCallerIdentity', getCallerIdentity],
  ['GetDelegatedAccessToken', notImplemented],
  ['GetFederationToken', notImplemented],
  ['GetSessionToken', getSessionToken],
  ['GetWebIdentityToken', notImplemented],
])

const operationOf = (parameters: URLSearchParams): { name: string; operation: StsOperation } => {
  const name = parameters.get('Action')
  if (name === null || name === '') {
    throw new StsFault('MissingAction', 'The request is missing an action or a required parameter.')
  }
  const version = parameters.get('Version') ?? 'NO_VERSION_SPECIFIED'
  const operation = OPERATIONS.get(name)
  if (operation === undefined || version !== VERSION) {
    throw new StsFault(
      'InvalidAction',
      `Could not find operation ${name.slice(0, 128)} for version ${version.slice(0, 32)}`,
    )
  }
  return { name, operation }
}

/**
 * What is done MUST be what the record will say: a target header, a second Action or an odd content
 * type must not let one operation pass for another. `recorded` is undefined where the catalogue
 * could not name the call.
 */
const checkSameOperation = (recorded: string | undefined, name: string): void => {
  if (recorded === name) return
  const other = recorded === undefined ? 'no operation of STS' : `the operation ${recorded}`
  throw new StsFault(
    'InvalidAction',
    `The Action is ${name}, but the request as a whole reads as ${other}. Send Action once, as a form parameter.`,
  )
}

/** Unknown keys come here where a setting records instead of rejecting them. */
const checkCaller = ({ caller }: VerifiedCall): void => {
  if (caller.principal.kind === 'anonymous') {
    throw new StsFault('MissingAuthenticationToken', 'Request is missing Authentication Token')
  }
  if (caller.principal.kind === 'unknown') {
    throw new StsFault(
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
    )
  }
}

export const createBuiltinSts = (options: {
  identities: Identities
  clock: Clock
}): BuiltinService => {
  const context: StsContext = { ...options, trusts: createTrustCheck() }
  return async (call) => {
    try {
      const parameters = await readParameters(call)
      const { name, operation } = operationOf(parameters)
      checkSameOperation(call.operation, name)
      if (operation !== notImplemented) checkCaller(call)
      const partition = partitionOf(call.region)
      const result = await operation({ call, parameters, partition }, context)
      return resultAnswer(name, call.requestId, result)
    } catch (error) {
      if (error instanceof StsFault) return faultAnswer(error, call.requestId)
      throw error
    }
  }
}
