import { CodedError } from '../../platform/errors.ts'

/** Code to HTTP status, as STS answers (STS API, Common Error Types). */
export const STS_FAULTS = {
  AccessDenied: 403,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  MissingAction: 400,
  MissingAuthenticationToken: 403,
  NotImplemented: 501,
  RequestEntityTooLarge: 413,
  UnsupportedOperationException: 400,
  ValidationError: 400,
} as const

/** What STS refuses a call with; its message goes to the client. */
export class StsFault extends CodedError<keyof typeof STS_FAULTS> {}
