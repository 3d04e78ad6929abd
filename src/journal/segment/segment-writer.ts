import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Cipher, type MasterKey, SEAL_OVERHEAD_BYTES } from '../../platform/encryption.ts'
import { createDurably, type JournalFile, type JournalFiles } from '../files/journal-files.ts'
import type { Sequence, Shard } from '../journal.ts'
import {
  encodeFrameHeader,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  frameAad,
  SEGMENT_HEADER_BYTES,
  SEGMENT_ID_BYTES,
  saltOf,
  segmentName,
  withPayloadCrc,
} from './layout.ts'

/** A frame of a commit group before it is sealed. */
export interface PlainFrame {
  readonly bytes: Uint8Array
  readonly idHash: Buffer
  /** Epoch milliseconds. */
  readonly appendedAt: number
}

/** What a sealed frame takes in the file. */
export const storedBytes = (plainBytes: number): number =>
  FRAME_HEADER_BYTES + plainBytes + SEAL_OVERHEAD_BYTES

/** The segment that frames are appended to. */
export interface SegmentWriter {
  readonly first: Sequence
  readonly createdAt: number
  readonly file: JournalFile
  /** Durable length: where the next group goes. The owner moves it on after an fdatasync. */
  bytes: number
  /** The group as stored, to be written at `bytes`. */
  seal(frames: readonly PlainFrame[], first: Sequence): Buffer[]
}

const sealGroup = (
  frames: readonly PlainFrame[],
  first: Sequence,
  segmentId: Buffer,
  cipher: Cipher,
): Buffer[] =>
  frames.flatMap((frame, index) => {
    const header = encodeFrameHeader(
      {
        sequence: first + index,
        groupFirst: first,
        groupLast: first + frames.length - 1,
        appendedAt: frame.appendedAt,
        length: frame.bytes.byteLength + SEAL_OVERHEAD_BYTES,
        payloadCrc: 0,
        idHash: frame.idHash,
      },
      saltOf(segmentId),
    )
    const sealed = cipher.seal(frame.bytes, frameAad(segmentId, header))
    return [withPayloadCrc(header, crc32(sealed)), sealed]
  })

/**
 * Creates a segment with a key of its own; header and `frames` are durable when it resolves. An
 * older file of that name, which recovery found to hold nothing that counts, is replaced.
 */
export const createSegment = async (
  files: JournalFiles,
  folder: string,
  options: { shard: Shard; first: Sequence; now: number; master: MasterKey },
  frames: readonly PlainFrame[] = [],
): Promise<SegmentWriter> => {
  const { shard, first, now, master } = options
  const id = randomBytes(SEGMENT_ID_BYTES)
  const { wrapped, cipher } = master.newDataKey()
  const header = encodeSegmentHeader({ shard, first, createdAt: now, id, wrappedKey: wrapped })
  const group = sealGroup(frames, first, id, cipher)
  const file = await createDurably(files, folder, segmentName(first), [header, ...group])
  return {
    first,
    createdAt: now,
    file,
    bytes: SEGMENT_HEADER_BYTES + group.reduce((sum, each) => sum + each.length, 0),
    seal: (more, at) => sealGroup(more, at, id, cipher),
  }
}
