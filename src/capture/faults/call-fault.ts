import { CodedError } from '../../platform/errors.ts'
import type { SignatureFault } from '../signature/answers/signature-fault.ts'

/** An error that Clew itself answers a call with; the client's protocol is applied later. */
export class CallFault extends CodedError<string> {
  /** HTTP status. */
  readonly status: number
  /** Further elements of S3's document. */
  readonly details: Readonly<Record<string, string>> | undefined
  /** The service had the request, or a part of it: whether it was carried out is not known. */
  readonly outcomeUnknown: boolean

  constructor(
    status: number,
    code: string,
    message: string,
    options: {
      cause?: unknown
      details?: Readonly<Record<string, string>> | undefined
      outcomeUnknown?: boolean
    } = {},
  ) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause })
    this.status = status
    this.details = options.details
    this.outcomeUnknown = options.outcomeUnknown ?? false
  }
}

export const faultOfSignature = (fault: SignatureFault): CallFault =>
  new CallFault(fault.status, fault.code, fault.message, { details: fault.details })

export const internalFailure = (cause?: unknown): CallFault =>
  new CallFault(
    500,
    'InternalFailure',
    'The request processing has failed because of an unknown error, exception or failure.',
    { cause },
  )

/** The error that carries `code`, `message` and a numeric `status` of its own: a body that is wrong. */
export const isStatusError = (
  error: unknown,
): error is Error & { readonly code: string; readonly status: number } =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  'status' in error &&
  typeof error.status === 'number'
