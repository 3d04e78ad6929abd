/** One call of the CloudTrail API, from its bytes to the answer: every check in AWS's order. */
import { Fault, type FaultCode } from '../contract/fault.ts'
import type { OperationCall, OperationInput, OperationName } from '../contract/operation.ts'
import { validateInput } from '../contract/validate.ts'
import { isRegion } from '../documents/region-registry.ts'
import { partitionOf } from '../event/arn.ts'
import type { VerifiedCall } from '../identity/verified-call.ts'
import type { Clock } from '../platform/clock.ts'
import type { Authorize } from './authorize.ts'
import type { UnsupportedParameter } from './operation-row.ts'
import type { Operations } from './operations.ts'
import { operationOf, parseBody, readBody } from './wire.ts'

export interface DispatchOptions {
  readonly operations: Operations
  readonly authorize: Authorize
  readonly clock: Pick<Clock, 'now'>
  readonly mayCall: (name: OperationName, account: string, region: string) => boolean
  readonly bodyBytesMax: number
}

const isOperationName = (operations: Operations, name: string): name is OperationName =>
  Object.hasOwn(operations, name)

/** Which operation a call is for. Throws UnknownOperationException. */
export const nameOf = (call: VerifiedCall, operations: Operations): OperationName => {
  const name = operationOf(call.headers)
  if (call.method === 'POST' && call.rawPath === '/' && name !== undefined) {
    if (isOperationName(operations, name)) return name
  }
  throw new Fault(
    'UnknownOperationException',
    name === undefined
      ? 'The request names no CloudTrail operation in X-Amz-Target.'
      : `CloudTrail has no operation ${name}.`,
  )
}

const refuseUnsupported = <Name extends OperationName>(
  input: OperationInput<Name>,
  parameters: Readonly<Record<string, UnsupportedParameter | undefined>> = {},
): void => {
  const given = input as Readonly<Record<string, unknown>>
  for (const [parameter, row] of Object.entries(parameters)) {
    const value = given[parameter]
    if (row === undefined || value === undefined) continue
    if (row.except?.some((harmless) => harmless === value) === true) continue
    throw new Fault('UnsupportedOperationException', `${parameter} is not supported: ${row.why}.`)
  }
}

/** Throws Fault; the output is what the operation returns. The signature is verified already. */
export const dispatch = async <Name extends OperationName>(
  name: Name,
  call: VerifiedCall,
  { operations, authorize, clock, mayCall, bodyBytesMax }: DispatchOptions,
): Promise<object> => {
  const operation: Operations[Name] = operations[name]
  const { account, region, caller } = call
  const partition = partitionOf(region)

  // 403 {"__type":"InvalidSignatureException", …}: the region becomes part of ARNs, of object keys
  // and of the names of documents; a signer may write `..` there.
  if (!isRegion(region)) {
    throw new Fault(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${region}'.`,
    )
  }

  // 413 {"__type":"RequestEntityTooLargeException", …}
  const body = await readBody(call.body, bodyBytesMax)

  // 400 {"__type":"SerializationException", …}: before the caller's rights, as the JSON is read
  // before the service knows what is asked.
  const json = parseBody(body)

  // 400 {"__type":"AccessDeniedException","Message":"User: <arn> is not authorized to perform:
  // cloudtrail:<Op> because no identity-based policy allows the cloudtrail:<Op> action"}
  const denial = await authorize({ caller, account, partition, action: operation.action })
  if (denial !== undefined) throw new Fault('AccessDeniedException', denial)

  // 400 {"__type":"ThrottlingException","Message":"Rate exceeded"}
  if (!mayCall(name, account, region)) throw new Fault('ThrottlingException', 'Rate exceeded')

  // 400 {"__type":"UnsupportedOperationException", …}: what this release has not built.
  const { handler } = operation
  if (typeof handler !== 'function') {
    throw new Fault(
      'UnsupportedOperationException',
      `${name} is not supported: ${handler.unsupported}.`,
    )
  }

  // 400 {"__type":"ValidationException","Message":"1 validation error detected: Value null at
  // 'name' failed to satisfy constraint: Member must not be null"}, or the member's own exception.
  const input = validateInput(name, json)
  refuseUnsupported(input, operation.unsupportedParameters)

  // 400 {"__type":"<the operation's own>", …}
  const operationCall: OperationCall<Name> = {
    caller,
    account,
    region,
    partition,
    eventId: call.eventId,
    requestId: call.requestId,
    now: clock.now(),
    signal: call.signal,
    fault: (code: FaultCode<Name>, message: string) => new Fault(code, message),
  }
  return await handler(input, operationCall)
}
