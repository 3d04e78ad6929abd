/** `10000;chunk-signature=ad80…` and `x-amz-checksum-crc32:…`: the lines between the chunks. */
import { PayloadError } from './payload-error.ts'

/** Largest object that one request can carry, and so the largest chunk. */
const CHUNK_BYTES_MAX = 5 * 1024 ** 3

const CHUNK_HEADER = /^([0-9a-fA-F]{1,10})((?:;[^\r\n;]*)*)$/
/** 64 digits, or those of ECDSA filled up to 144 with asterisks, as AWS's own signers do. */
const CHUNK_SIGNATURE = /;chunk-signature=([0-9a-f]{64}|[0-9a-f]{16,144}\*{0,128})(?:;|$)/
const TRAILER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})[ \t]*:[ \t]*(.*?)[ \t]*$/

export interface ChunkHeader {
  /** Bytes; 0 is the last chunk. */
  readonly size: number
  /** '' in unsigned bodies. */
  readonly signature: string
}

export const parseChunkHeader = (line: string, signed: boolean): ChunkHeader => {
  const parts = CHUNK_HEADER.exec(line)
  if (parts === null) throw new PayloadError('InvalidRequest', 'A chunk header is malformed.')
  const size = Number.parseInt(parts[1] ?? '', 16)
  if (size > CHUNK_BYTES_MAX) {
    throw new PayloadError('InvalidChunkSizeError', 'The chunk size is too large.')
  }
  const signature = CHUNK_SIGNATURE.exec(parts[2] ?? '')?.[1]
  if (signed && signature === undefined) {
    throw new PayloadError('InvalidRequest', 'A chunk has no chunk-signature.')
  }
  return { size, signature: signature ?? '' }
}

export const parseTrailer = (line: string): [name: string, value: string] => {
  const parts = TRAILER.exec(line)
  if (parts === null) throw new PayloadError('MalformedTrailerError', 'A trailer is malformed.')
  return [(parts[1] ?? '').toLowerCase(), parts[2] ?? '']
}
