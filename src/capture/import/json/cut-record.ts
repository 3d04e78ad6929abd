/** What the record cutter hands over, where it stands, and its limits. */

import type { RecordOutline } from '../../../event/record-outline.ts'

/** AWS's records have at most 256 KiB, Lake's 1 MiB; a frame of the journal holds 1 MiB. */
export const RECORD_BYTES_MAX = 1024 * 1024
/** White space, or bytes of no record, behind one another: beyond it the file is given up. */
export const JUNK_BYTES_MAX = 16 * 1024 * 1024

export type CutterState =
  | 'between'
  | 'value'
  | 'after-value'
  | 'junk'
  | 'element'
  | 'after-element'
  | 'tail'
  | 'ended'

/** Where the cutter stands between two records: enough to go on in a later run. */
export interface CutterPlace {
  /** Byte of the (unpacked) stream behind the last record. */
  readonly offset: number
  /** Records so far, refused ones included. */
  readonly records: number
  /** Inside the array of a document, of a plain array, or between values. */
  readonly inside: 'document' | 'array' | 'nothing'
  /** Records over several lines are no longer looked for. */
  readonly strict: boolean
}

export interface CutRecord {
  /** From 1, in the file. */
  readonly number: number
  /** Of its first byte in the (unpacked) stream. */
  readonly offset: number
  /** Members that the record's text has; more than the parsed object where one is named twice. */
  readonly members: number
  /** It has line feeds between its tokens. */
  readonly spansLines: boolean
  /** Of the record, until the next one is cut. It is JSON then, and names no member twice. */
  readonly outline: RecordOutline | undefined
}

export interface RecordSink {
  /** `bytes` is a view. False: they are no JSON text, and the cutter reports them. */
  record(bytes: Buffer, facts: CutRecord): boolean
  problem(reason: string, at: { readonly number: number; readonly offset: number }): void
}
