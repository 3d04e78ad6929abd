/**
 * A call whose signature was verified, on its way to a service that Clew itself answers: the
 * CloudTrail API, the built-in S3 and STS. The gateway makes it and records what comes back.
 */
import type { Readable } from 'node:stream'
import type { Caller } from '../event/principal.ts'

export interface VerifiedCall {
  readonly caller: Caller
  /** The account that the call belongs to; the default account for anonymous callers. */
  readonly account: string
  /** Of the credential scope; the default region where a request names none. */
  readonly region: string
  /** The operation as the catalogue named it, for example `CreateTrail`; absent when unknown. */
  readonly operation?: string
  readonly method: string
  /** As sent, still percent-encoded. For virtual-hosted S3 the bucket is already in front. */
  readonly rawPath: string
  /** As sent, without the question mark; '' when there is none. */
  readonly rawQuery: string
  /** Names in lower case; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The payload without chunk framing: bytes that are here whole and verified, or a stream. The
   * stream errors (and MUST then be discarded) when the payload hash or a chunk signature does not
   * match, always before its end.
   */
  readonly body: Buffer | Readable
  /** Trailing headers of a chunked upload (`x-amz-checksum-crc32`), complete once `body` ended. */
  readonly trailers: () => Readonly<Record<string, string>>
  readonly requestId: string
  /** The eventID that the record of this call will have. */
  readonly eventId: string
  readonly sourceIp: string
  readonly secureTransport: boolean
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | Readable
}

export type BuiltinService = (call: VerifiedCall) => Promise<ServiceAnswer>
