import { JournalError, type Sequence, type Shard } from '../journal.ts'

const VERSION = 1
const ENTRY = 1
const DRAINED = 2
const ENTRY_HEAD_BYTES = 14
const DRAINED_BYTES = 10

/** What one frame of the spool says. */
export type SpoolRecord =
  | { kind: 'entry'; shard: Shard; from: Sequence; frame: Buffer }
  | { kind: 'drained'; position: Sequence }

type Encodable =
  | { kind: 'entry'; shard: Shard; from: Sequence; frame: Uint8Array }
  | { kind: 'drained'; position: Sequence }

/** Version 1, kind 1, then: shard 4, noted sequence 8, frame; or the drained position 8. */
export const encodeSpoolRecord = (record: Encodable): Buffer => {
  if (record.kind === 'drained') {
    const bytes = Buffer.alloc(DRAINED_BYTES)
    bytes.writeUInt8(VERSION, 0)
    bytes.writeUInt8(DRAINED, 1)
    bytes.writeBigUInt64BE(BigInt(record.position), 2)
    return bytes
  }
  const head = Buffer.alloc(ENTRY_HEAD_BYTES)
  head.writeUInt8(VERSION, 0)
  head.writeUInt8(ENTRY, 1)
  head.writeUInt32BE(record.shard, 2)
  head.writeBigUInt64BE(BigInt(record.from), 6)
  return Buffer.concat([head, record.frame])
}

/** Throws JournalError `unsupported` or `corrupt`. */
export const decodeSpoolRecord = (bytes: Buffer): SpoolRecord => {
  if ((bytes[0] ?? 0) > VERSION) {
    throw new JournalError('unsupported', `A spool record has version ${bytes[0]}.`, {
      hint: 'Run the newer version of Clew that wrote the spool.',
    })
  }
  if (bytes[1] === DRAINED && bytes.length === DRAINED_BYTES) {
    return { kind: 'drained', position: Number(bytes.readBigUInt64BE(2)) }
  }
  if (bytes[1] === ENTRY && bytes.length >= ENTRY_HEAD_BYTES) {
    return {
      kind: 'entry',
      shard: bytes.readUInt32BE(2),
      from: Number(bytes.readBigUInt64BE(6)),
      frame: bytes.subarray(ENTRY_HEAD_BYTES),
    }
  }
  throw new JournalError('corrupt', 'A spool record has no known form.')
}
