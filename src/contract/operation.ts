/**
 * What an operation is: a function of its input and the call around it. Types come from the AWS
 * model, so that a wrong member, a missing operation and an undeclared fault do not compile
 * (operation.types.ts proves it).
 */
import type { Caller } from '../event/principal.ts'
import type { OperationName, OperationShapes } from './cloudtrail.generated.ts'
import type { DataOperationName, DataOperationShapes } from './cloudtrail-data.generated.ts'
import type { Fault, FaultCode } from './fault.ts'

export type { OperationName } from './cloudtrail.generated.ts'
export type { DataOperationName } from './cloudtrail-data.generated.ts'

type AllShapes = OperationShapes & DataOperationShapes
type AnyOperationName = OperationName | DataOperationName

/** Members as on the wire: PascalCase, times in epoch seconds, blobs in base64. */
export type OperationInput<Name extends AnyOperationName> = AllShapes[Name]['input']
export type OperationOutput<Name extends AnyOperationName> = AllShapes[Name]['output']

export interface OperationCall<Name extends AnyOperationName> {
  readonly caller: Caller
  /** 12 digits. */
  readonly account: string
  /** Of the endpoint that was called. */
  readonly region: string
  /** Of the region: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string
  /** The eventID that the record of this call will have. */
  readonly eventId: string
  readonly requestId: string
  /** Epoch milliseconds; one moment for the whole call. */
  readonly now: number
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** Makes the fault; the operation throws it. */
  readonly fault: (code: FaultCode<Name>, message: string) => Fault
}

/** Throws Fault only; anything else that it throws is answered as InternalFailure and logged. */
export type Operation<Name extends AnyOperationName> = (
  input: OperationInput<Name>,
  call: OperationCall<Name>,
) => Promise<OperationOutput<Name>>
