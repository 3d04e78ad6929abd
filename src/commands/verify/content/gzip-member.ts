/**
 * Reads exactly one gzip member (RFC 1952 §2.3) and says whether anything follows it. Node's own
 * gunzip reads on through further members and passes over what is no member: bytes that someone
 * appended would go unnoticed.
 */
import { createHash } from 'node:crypto'
import { crc32, inflateRawSync } from 'node:zlib'
import type { ContentHash, Inflated } from '../../../integrity/verification.ts'

/** AWS's log files have at most 50 MB; more is an attack on the verifier. */
const INFLATED_BYTES_MAX = 512 * 1024 * 1024
/**
 * The trailer says how long the content is: one buffer of that size takes half the time of many small
 * ones. It may lie, so it is only believed within these bounds.
 */
const CHUNK_BYTES_MIN = 1_024
const CHUNK_BYTES_MAX = 4 * 1024 * 1024
const HEADER_BYTES = 10
const TRAILER_BYTES = 8

const HAS_HEADER_CRC = 2
const HAS_EXTRA = 4
const HAS_NAME = 8
const HAS_COMMENT = 16
const RESERVED = 0xe0

/** Where the deflate stream begins; undefined where the bytes are no gzip header. */
const bodyStart = (bytes: Buffer): number | undefined => {
  const flags = bytes[3] ?? RESERVED
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8
  if (!isGzip || (flags & RESERVED) !== 0) return undefined
  let at = HEADER_BYTES
  if (flags & HAS_EXTRA) {
    if (bytes.length < at + 2) return undefined
    at += 2 + bytes.readUInt16LE(at)
  }
  for (const text of [HAS_NAME, HAS_COMMENT]) {
    if ((flags & text) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end < 0) return undefined
    at = end + 1
  }
  if (flags & HAS_HEADER_CRC) at += 2
  return at
}

/** Undefined: not gzip, cut off, or the checksum in the trailer is not that of the content. */
export const inflateGzipMember = (body: Uint8Array): Inflated | undefined => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const start = bodyStart(bytes)
  if (start === undefined) return undefined
  try {
    const length = bytes.length < start + TRAILER_BYTES ? 0 : bytes.readUInt32LE(bytes.length - 4)
    // With `info` the answer has the engine too, which knows how many bytes it has read.
    const { buffer, engine } = inflateRawSync(bytes.subarray(start), {
      info: true,
      chunkSize: Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, length + 1)),
      maxOutputLength: INFLATED_BYTES_MAX,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    const trailer = start + engine.bytesWritten
    if (bytes.length < trailer + TRAILER_BYTES) return undefined
    const sound =
      bytes.readUInt32LE(trailer) === crc32(buffer) &&
      bytes.readUInt32LE(trailer + 4) === buffer.length % 2 ** 32
    if (!sound) return undefined
    return { data: buffer, trailing: bytes.length > trailer + TRAILER_BYTES }
  } catch {
    // Damaged or too large: one of the findings that the caller reports.
    return undefined
  }
}

/** What is compared with a digest's list. */
export const hashOfMember = (body: Uint8Array): ContentHash => {
  const inflated = inflateGzipMember(body)
  if (inflated === undefined) return { sha256: undefined, trailing: false }
  const sha256 = createHash('sha256').update(inflated.data).digest('hex')
  return { sha256, trailing: inflated.trailing }
}
