/**
 * The bytes of segment files and head files (docs/formats/journal.md). All integers are big-endian;
 * sequences and lengths stay below 2^53.
 */
import { crc32 } from 'node:zlib'
import { WRAPPED_KEY_BYTES } from '../../platform/encryption.ts'
import { JournalError, type Sequence, type Shard } from '../journal.ts'

export const FORMAT_VERSION = 1

const SEGMENT_MAGIC = Buffer.from('CLEWJRNL')
export const SEGMENT_ID_BYTES = 16
export const SEGMENT_HEADER_BYTES = 52 + WRAPPED_KEY_BYTES + 4

/** `CLF1`: found again after a damaged place by searching for it and checking the header's CRC. */
export const FRAME_MAGIC = Buffer.from('CLF1')
export const FRAME_HEADER_BYTES = 64
export const ID_HASH_BYTES = 16

const HEAD_MAGIC = Buffer.from('CLEWHEAD')
export const HEAD_BYTES = 56

export interface SegmentHeader {
  readonly shard: Shard
  /** Sequence of the first frame that the file holds or will hold. */
  readonly first: Sequence
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly id: Buffer
  readonly wrappedKey: Buffer
}

export interface FrameHeader {
  readonly sequence: Sequence
  /** First sequence of the commit group, that is of what one fdatasync made durable. */
  readonly groupFirst: Sequence
  readonly groupLast: Sequence
  /** Epoch milliseconds. */
  readonly appendedAt: number
  /** Bytes of the sealed frame that follow the header. */
  readonly length: number
  readonly payloadCrc: number
  /** Keyed hash of the append's id. */
  readonly idHash: Buffer
}

/** What readers may read: written after every fdatasync, itself not synced. */
export interface Head {
  readonly first: Sequence
  readonly next: Sequence
  /** First sequence (and so the name) of the newest segment, and its durable length in bytes. */
  readonly segmentFirst: Sequence
  readonly segmentBytes: number
}

const writeInteger = (target: Buffer, value: number, offset: number): void => {
  target.writeBigUInt64BE(BigInt(value), offset)
}

const readInteger = (source: Buffer, offset: number): number =>
  Number(source.readBigUInt64BE(offset))

export const encodeSegmentHeader = (header: SegmentHeader): Buffer => {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  SEGMENT_MAGIC.copy(bytes, 0)
  bytes.writeUInt16BE(FORMAT_VERSION, 8)
  bytes.writeUInt16BE(SEGMENT_HEADER_BYTES, 10)
  bytes.writeUInt32BE(header.shard, 16)
  writeInteger(bytes, header.first, 20)
  writeInteger(bytes, header.createdAt, 28)
  header.id.copy(bytes, 36)
  header.wrappedKey.copy(bytes, 52)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4)
  return bytes
}

/** Undefined where the bytes are no sound header; throws JournalError for a newer format. */
export const decodeSegmentHeader = (bytes: Buffer): SegmentHeader | undefined => {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(SEGMENT_MAGIC)) {
    return undefined
  }
  const version = bytes.readUInt16BE(8)
  if (version > FORMAT_VERSION) {
    throw new JournalError(
      'unsupported',
      `A segment has format ${version}; this version knows ${FORMAT_VERSION}.`,
      { hint: 'Run the newer version of Clew that wrote this data folder.' },
    )
  }
  const end = SEGMENT_HEADER_BYTES - 4
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) return undefined
  return {
    shard: bytes.readUInt32BE(16),
    first: readInteger(bytes, 20),
    createdAt: readInteger(bytes, 28),
    id: Buffer.from(bytes.subarray(36, 52)),
    wrappedKey: Buffer.from(bytes.subarray(52, 52 + WRAPPED_KEY_BYTES)),
  }
}

/** Four bytes of the segment's id in each frame tell its own frames from older bytes of the disk. */
export const saltOf = (segmentId: Buffer): number => segmentId.readUInt32BE(0)

/** Layout: magic 4, header CRC 4, then what the CRC covers; payload CRC last, outside the AAD. */
export const encodeFrameHeader = (header: FrameHeader, salt: number): Buffer => {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES)
  FRAME_MAGIC.copy(bytes, 0)
  bytes.writeUInt32BE(salt, 8)
  writeInteger(bytes, header.sequence, 12)
  bytes.writeUInt32BE(header.sequence - header.groupFirst, 20)
  bytes.writeUInt32BE(header.groupLast - header.sequence, 24)
  writeInteger(bytes, header.appendedAt, 28)
  bytes.writeUInt32BE(header.length, 36)
  header.idHash.copy(bytes, 40)
  bytes.writeUInt32BE(header.payloadCrc, 60)
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4)
  return bytes
}

/** The encoded header with the CRC of its payload, which is known last; changes and returns it. */
export const withPayloadCrc = (header: Buffer, payloadCrc: number): Buffer => {
  header.writeUInt32BE(payloadCrc, 60)
  header.writeUInt32BE(crc32(header.subarray(8)), 4)
  return header
}

/** Undefined where no sound frame header of this segment stands; `salt` undefined: of any. */
export const decodeFrameHeader = (bytes: Buffer, salt?: number): FrameHeader | undefined => {
  if (bytes.length < FRAME_HEADER_BYTES || !bytes.subarray(0, 4).equals(FRAME_MAGIC)) {
    return undefined
  }
  if (salt !== undefined && bytes.readUInt32BE(8) !== salt) return undefined
  if (crc32(bytes.subarray(8, FRAME_HEADER_BYTES)) !== bytes.readUInt32BE(4)) return undefined
  const sequence = readInteger(bytes, 12)
  return {
    sequence,
    groupFirst: sequence - bytes.readUInt32BE(20),
    groupLast: sequence + bytes.readUInt32BE(24),
    appendedAt: readInteger(bytes, 28),
    length: bytes.readUInt32BE(36),
    idHash: Buffer.from(bytes.subarray(40, 40 + ID_HASH_BYTES)),
    payloadCrc: bytes.readUInt32BE(60),
  }
}

/** Binds a sealed frame to its segment and place: the segment's id and bytes 8 to 55 of the header. */
export const frameAad = (segmentId: Buffer, encodedHeader: Buffer): Buffer =>
  Buffer.concat([segmentId, encodedHeader.subarray(8, 56)])

export const encodeHead = (head: Head): Buffer => {
  const bytes = Buffer.alloc(HEAD_BYTES)
  HEAD_MAGIC.copy(bytes, 0)
  bytes.writeUInt16BE(FORMAT_VERSION, 8)
  writeInteger(bytes, head.first, 16)
  writeInteger(bytes, head.next, 24)
  writeInteger(bytes, head.segmentFirst, 32)
  writeInteger(bytes, head.segmentBytes, 40)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEAD_BYTES - 4)), HEAD_BYTES - 4)
  return bytes
}

/** Undefined where the bytes are torn or none: after a power loss that is no error. */
export const decodeHead = (bytes: Buffer): Head | undefined => {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, 8).equals(HEAD_MAGIC)) return undefined
  if (crc32(bytes.subarray(0, HEAD_BYTES - 4)) !== bytes.readUInt32BE(HEAD_BYTES - 4)) {
    return undefined
  }
  return {
    first: readInteger(bytes, 16),
    next: readInteger(bytes, 24),
    segmentFirst: readInteger(bytes, 32),
    segmentBytes: readInteger(bytes, 40),
  }
}

const SEGMENT_NAME = /^(\d{16})\.seg$/

/** Sixteen digits, so that names sort as sequences do. */
export const segmentName = (first: Sequence): string => `${String(first).padStart(16, '0')}.seg`

/** The first sequence that a file name says, or undefined for other files. */
export const segmentFirstOf = (name: string): Sequence | undefined => {
  const digits = SEGMENT_NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export const shardFolder = (shard: Shard): string => `shard-${String(shard).padStart(3, '0')}`
