/**
 * Small JSON documents with revisions: trails, credentials, cursors. Implementations:
 * `sqlite-documents.ts`; JetStream KV later; both run test/contracts/documents.ts. Several
 * processes open the same documents at once.
 *
 * An operation commits by one compare-and-set. Unique names and quotas of a resource type live in
 * one document per account; what spans documents is a resumable intent.
 */
import { CodedError } from '../platform/errors.ts'

/** Opaque except for equality; differs after every change, also after remove and put again. */
export type Revision = number

export interface Document<Value> {
  readonly key: string
  readonly value: Value
  readonly revision: Revision
}

/** `conflict`: the document is not at the expected revision. `unavailable`: storage failed. */
export class DocumentsError extends CodedError<
  'conflict' | 'unavailable' | 'too-large' | 'closed'
> {}

export interface Documents {
  get<Value>(key: string): Promise<Document<Value> | undefined>
  /** In byte order of the keys. */
  list<Value>(prefix: string): Promise<Document<Value>[]>
  /**
   * Durable when it resolves. `expected`: the revision it must have, or 'absent', or 'any'.
   * Rejects with DocumentsError `conflict` otherwise.
   */
  put(key: string, value: unknown, expected: Revision | 'absent' | 'any'): Promise<Revision>
  /** Removing what is absent is no error unless a revision was expected. */
  remove(key: string, expected: Revision | 'any'): Promise<void>
  /**
   * Calls `changed` with the key of every document below `prefix` that any process changed or
   * removed after this call, in no particular order, coalesced, within about 100 ms.
   */
  watch(prefix: string, changed: (key: string) => void): Disposable
  close(): Promise<void>
}
