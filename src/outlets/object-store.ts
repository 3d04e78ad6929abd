/**
 * Where objects go and come back from: the trails' log files and digests, the built-in S3.
 * Implementations: `file-system/` now, S3 next. Both run test/contracts/object-store.ts.
 */
import type { Readable } from 'node:stream'
import { CodedError } from '../platform/errors.ts'

/** `access-denied`, `no-such-bucket`, `no-such-key` map to S3's codes; `failed` is all else. */
export class ObjectStoreError extends CodedError<
  | 'no-such-bucket'
  | 'no-such-key'
  | 'precondition-failed'
  | 'access-denied'
  | 'failed'
  | 'bad-digest'
> {}

export interface ObjectFacts {
  readonly key: string
  /** Bytes as stored and returned. */
  readonly size: number
  /** With its double quotes. */
  readonly etag: string
  /** Epoch milliseconds. */
  readonly lastModified: number
  readonly contentType?: string
  readonly contentEncoding?: string
  /** User metadata, names in lower case without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
}

export interface PutOptions {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** Only when no object has the key. */
  readonly ifNoneMatch?: '*'
  readonly ifMatch?: string
  readonly acl?: string
}

/** What a delivery must know of its bucket before it writes. */
export interface BucketFacts {
  readonly name: string
  /** The account that owns it. */
  readonly account: string
  readonly region: string
  /** The bucket policy's JSON text. */
  readonly policy?: string
}

export interface ObjectStore {
  bucket(name: string): Promise<BucketFacts | undefined>
  /** Whole or not at all; durable when it resolves. */
  put(bucket: string, key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectFacts>
  /** `range`: first and last byte, both inclusive. */
  get(
    bucket: string,
    key: string,
    range?: { first: number; last: number },
  ): Promise<{ facts: ObjectFacts; body: Readable }>
  head(bucket: string, key: string): Promise<ObjectFacts | undefined>
  /** Keys in byte order, those greater than `after`, at most `limit`. */
  list(
    bucket: string,
    options: { prefix?: string; after?: string; limit: number },
  ): Promise<ObjectFacts[]>
  remove(bucket: string, key: string): Promise<void>
}
