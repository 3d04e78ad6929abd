import { CodedError } from '../../platform/errors.ts'

/**
 * - `busy`: another import has the index open. `newer-format`: a newer Clew wrote it.
 * - `not-found`: a path, bucket or object that is not there. `nothing`: no file to import.
 * - `refused`: the server did not take part of it. `unreachable`: it does not answer any more.
 * - `policy`: the trail's bucket does not admit an account. `damaged`: a gzip file.
 * - `unreadable`: a file that the system does not let be read, or that is no regular file.
 */
export class ImportError extends CodedError<
  | 'busy'
  | 'newer-format'
  | 'not-found'
  | 'nothing'
  | 'refused'
  | 'unreachable'
  | 'policy'
  | 'damaged'
  | 'unreadable'
> {}
