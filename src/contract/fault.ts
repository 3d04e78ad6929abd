/** What a call is refused with on the wire. Clew's own errors are platform/errors.ts. */
import { CodedError } from '../platform/errors.ts'
import type { OperationName } from './cloudtrail.generated.ts'
import type { DataOperationName } from './cloudtrail-data.generated.ts'
import type { DATA_DECLARED_FAULTS } from './cloudtrail-data-tables.generated.ts'
import type { DECLARED_FAULTS } from './cloudtrail-tables.generated.ts'

/**
 * Codes that any operation may answer though its model does not declare them, with their HTTP
 * status (API/CommonErrors.html; reference/control-plane.md §0.2). What the JSON endpoints send for
 * AccessDeniedException is 400, whatever that page says.
 */
export const PROTOCOL_FAULTS = {
  AccessDeniedException: 400,
  InternalFailure: 500,
  InvalidSignatureException: 403,
  RequestEntityTooLargeException: 413,
  SerializationException: 400,
  ServiceUnavailable: 503,
  ThrottlingException: 400,
  UnknownOperationException: 404,
  ValidationException: 400,
} as const

export type ProtocolFaultCode = keyof typeof PROTOCOL_FAULTS

/** The codes that the model declares for an operation. */
export type DeclaredFaultCode<Name extends OperationName | DataOperationName> =
  Name extends OperationName
    ? (typeof DECLARED_FAULTS)[Name][number]
    : Name extends DataOperationName
      ? (typeof DATA_DECLARED_FAULTS)[Name][number]
      : never

/** Every code that an operation may answer; any other one does not compile. */
export type FaultCode<Name extends OperationName | DataOperationName> =
  | DeclaredFaultCode<Name>
  | ProtocolFaultCode

export type AnyFaultCode = FaultCode<OperationName | DataOperationName>

/** Every modelled fault is 400, NotFound and Conflict too (reference/control-plane.md §0.2). */
const MODELLED_FAULT_STATUS = 400

const statusOf = (code: string): number =>
  code in PROTOCOL_FAULTS ? PROTOCOL_FAULTS[code as ProtocolFaultCode] : MODELLED_FAULT_STATUS

/** `code` is the `__type` and `message` the text that the client sees. */
export class Fault extends CodedError<AnyFaultCode> {
  /** HTTP. */
  readonly status: number

  constructor(code: AnyFaultCode, message: string, options: { cause?: unknown } = {}) {
    super(code, message, options)
    this.status = statusOf(code)
  }
}
