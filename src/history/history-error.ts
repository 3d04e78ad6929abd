import { CodedError } from '../platform/errors.ts'

/**
 * - `newer-format`: a later release wrote the file; nothing was touched.
 * - `index-missing`: a day's blocks have no index yet (the writer is about to build it).
 * - `damaged-index`: SQLite cannot read a day's index; the writer rebuilds it at its next start.
 * - `damaged-block`: a block's checksum or content is wrong.
 * - `write-failed`: the disk refused; nothing of the batch counts as stored.
 * - `closed`: used after close().
 */
export type HistoryErrorCode =
  | 'newer-format'
  | 'index-missing'
  | 'damaged-index'
  | 'damaged-block'
  | 'write-failed'
  | 'closed'

export class HistoryError extends CodedError<HistoryErrorCode> {}
