import { CodedError } from '../../../platform/errors.ts'

/** S3's own codes, so that a service may hand them on as they are. */
export type PayloadErrorCode =
  | 'IncompleteBody'
  | 'InvalidChunkSizeError'
  | 'InvalidRequest'
  | 'MalformedTrailerError'
  | 'SignatureDoesNotMatch'
  | 'XAmzContentSHA256Mismatch'

const STATUS: Readonly<Record<PayloadErrorCode, number>> = {
  IncompleteBody: 400,
  InvalidChunkSizeError: 403,
  InvalidRequest: 400,
  MalformedTrailerError: 400,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
}

/** A body that is not what its head promised. `status` is the HTTP status of the answer. */
export class PayloadError extends CodedError<PayloadErrorCode> {
  readonly status: number

  constructor(code: PayloadErrorCode, message: string) {
    super(code, message)
    this.status = STATUS[code]
  }
}

export const hashMismatch = (): PayloadError =>
  new PayloadError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  )

export const chunkMismatch = (): PayloadError =>
  new PayloadError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  )
