import { CodedError } from '../platform/errors.ts'

/**
 * What identity management refuses. `bad-value`: a name, path, id or policy that IAM would not take;
 * `newer-format`: a document that a later version of Clew wrote.
 */
export class IdentityError extends CodedError<
  'exists' | 'not-found' | 'bad-value' | 'limit' | 'contended' | 'newer-format'
> {}
