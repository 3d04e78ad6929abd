import { CodedError } from '../../platform/errors.ts'

/** The verification cannot be done: exit code 2. */
export class VerifyError extends CodedError<
  'bad-option' | 'bad-keys-file' | 'no-folder' | 'no-digests' | 'no-trail' | 'endpoint'
> {}
