/**
 * How a request's payload is bound to its signature (S3 API reference, "Signature calculations for
 * the Authorization header: transferring a payload in multiple chunks").
 */
import type { KeyObject } from 'node:crypto'
import type { RequestHead } from '../../call.ts'

/** What chunk signatures continue from. */
export interface ChunkSigning {
  readonly key: KeyObject
  readonly amzDate: string
  readonly scopeText: string
  /** The signature of the head, 64 hexadecimal digits. */
  readonly seed: string
}

export type PayloadMode =
  /** The head names the hash, and the signature covers it. */
  | { readonly kind: 'hash'; readonly sha256: string }
  /** The signature leaves the payload out. */
  | { readonly kind: 'unsigned' }
  /** The signature covers a hash that the head does not name: the body must be read first. */
  | { readonly kind: 'deferred' }
  /** `aws-chunked` framing. */
  | {
      readonly kind: 'chunked'
      /** Bytes of payload, from x-amz-decoded-content-length. */
      readonly decodedLength: number
      readonly trailer: boolean
      /** From x-amz-trailer, in lower case. */
      readonly trailerNames: readonly string[]
      /** Chunks carry signatures. */
      readonly signed: boolean
      /** The kind of signature that they carry. */
      readonly signatures?: 'SigV4' | 'SigV4A'
      /** Absent while the caller's key is unknown: then signatures are read, not verified. */
      readonly signing?: ChunkSigning
    }

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

interface Streaming {
  readonly signatures?: 'SigV4' | 'SigV4A'
  readonly trailer: boolean
}

const CHUNKED: Readonly<Record<string, Streaming>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { signatures: 'SigV4', trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { signatures: 'SigV4', trailer: true },
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD': { signatures: 'SigV4A', trailer: false },
  'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER': { signatures: 'SigV4A', trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { trailer: true },
}

const SHA256_HEX = /^[0-9a-fA-F]{64}$/

/** Undefined: the value is none of those that S3 knows. A string: what is wrong otherwise. */
export const payloadModeOf = (
  head: RequestHead,
  contentSha256: string,
): PayloadMode | { readonly wrong: string } => {
  if (SHA256_HEX.test(contentSha256)) return { kind: 'hash', sha256: contentSha256.toLowerCase() }
  if (contentSha256 === UNSIGNED_PAYLOAD) return { kind: 'unsigned' }
  const chunked = Object.hasOwn(CHUNKED, contentSha256) ? CHUNKED[contentSha256] : undefined
  if (chunked === undefined) {
    return {
      wrong:
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    }
  }
  const decoded = head.headers['x-amz-decoded-content-length'] ?? ''
  if (!/^\d{1,15}$/.test(decoded)) {
    return { wrong: 'x-amz-decoded-content-length must be the number of bytes of the payload.' }
  }
  const names = chunked.trailer ? (head.headers['x-amz-trailer'] ?? '') : ''
  return {
    kind: 'chunked',
    decodedLength: Number(decoded),
    trailer: chunked.trailer,
    signed: chunked.signatures !== undefined,
    ...(chunked.signatures && { signatures: chunked.signatures }),
    trailerNames: names
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== ''),
  }
}
