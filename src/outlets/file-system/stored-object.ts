/**
 * What the file-system store keeps beside the bytes of an object. The `ObjectStore` interface shows
 * a part of it; the built-in S3 needs all.
 */
import { CodedError } from '../../platform/errors.ts'
import type { ChecksumAlgorithm } from './content/digests.ts'

/** Conditions of bucket and upload state that the `ObjectStore` interface does not know. */
export class FileStoreError extends CodedError<'bucket-not-empty' | 'no-such-upload'> {}

export interface Tag {
  readonly key: string
  readonly value: string
}

/**
 * `value`: base64; of a composite checksum with `-<parts>` behind.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

/** What the writer of an object chooses. */
export interface ObjectDescription {
  /** Answer headers by lower-case name, as sent: content-type, content-encoding, cache-control, … */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata, names in lower case without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly Tag[]
  readonly storageClass: string
}

/** The sealed part of an object's row. */
export interface ObjectDetails extends ObjectDescription {
  /** With its double quotes. */
  readonly etag: string
  readonly checksum?: StoredChecksum
  /** The multipart upload that made the object, so that a repeated completion finds its result. */
  readonly uploadId?: string
}

export interface StoredObject extends ObjectDetails {
  readonly key: string
  /** Bytes of the content. */
  readonly size: number
  /** Epoch milliseconds, as all times here. */
  readonly lastModified: number
}

export interface StoredPart {
  readonly number: number
  readonly size: number
  readonly lastModified: number
  /** With its double quotes. */
  readonly etag: string
  readonly checksum?: StoredChecksum
}

/** First and last byte, both inclusive, inside the object. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface PutCondition {
  readonly ifNoneMatch?: '*'
  /** An ETag with its quotes, or `*`: any object. */
  readonly ifMatch?: string
}

export const describe = (object: StoredObject): ObjectDescription => ({
  headers: object.headers,
  metadata: object.metadata,
  tags: object.tags,
  storageClass: object.storageClass,
})
