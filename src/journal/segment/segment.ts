import { type Cipher, EncryptionError, type MasterKey } from '../../platform/encryption.ts'
import { type JournalFile, type JournalFiles, readAt } from '../files/journal-files.ts'
import type { Sequence, StoredFrame } from '../journal.ts'
import {
  decodeSegmentHeader,
  frameAad,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  saltOf,
} from './layout.ts'
import { SegmentWalker, type WalkedFrame } from './walker.ts'

/** Distance of the places in a segment whose sequence is remembered. */
const POINT_BYTES = 512 * 1024
/** Places where sequential readers will go on. */
const HINTS_MAX = 32

interface Place {
  readonly sequence: Sequence
  readonly offset: number
}

export interface SegmentFrames {
  readonly frames: StoredFrame[]
  /** Set where a damaged place ended the answer: the next sequence that may be readable. */
  readonly resumeAt?: Sequence
}

/** A segment file that is open for reading, with what was learned of its frames' places. */
export interface Segment {
  readonly header: SegmentHeader
  walker(limit: number, place?: Place): SegmentWalker
  /** Decrypts and authenticates; undefined where the bytes were altered. */
  unseal(frame: WalkedFrame): Buffer | undefined
  /** Frames from `from` up to (not with) `to`, reading no further than `limitBytes` of the file. */
  read(
    from: Sequence,
    to: Sequence,
    limitBytes: number,
    frames: number,
    bytesMax: number,
  ): Promise<SegmentFrames>
  size(): Promise<number>
  close(): Promise<void>
}

/**
 * Undefined where the file's header is damaged. Throws JournalError `unsupported` for a newer format
 * and EncryptionError under another master key: neither may be taken for a damage to step over.
 */
export const openSegment = async (
  files: JournalFiles,
  path: string,
  master: MasterKey,
): Promise<Segment | undefined> => {
  const file = await files.open(path, 'read')
  try {
    const header = decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES))
    if (header !== undefined) return segmentOf(file, header, master.dataKey(header.wrappedKey))
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

/** Where to begin walking for a sequence: the nearest remembered place at or before it. */
const createPlaces = (start: Place) => {
  const points: Place[] = [start]
  const hints = new Map<Sequence, number>()
  return {
    before: (sequence: Sequence): Place => {
      const hint = hints.get(sequence)
      if (hint !== undefined) return { sequence, offset: hint }
      let low = 0
      let high = points.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((points[middle]?.sequence ?? 0) <= sequence) low = middle
        else high = middle - 1
      }
      return points[low] ?? start
    },
    passed: (place: Place): void => {
      const last = points.at(-1) ?? start
      if (place.offset >= last.offset + POINT_BYTES && place.sequence > last.sequence) {
        points.push(place)
      }
    },
    stopped: (place: Place): void => {
      hints.delete(place.sequence)
      hints.set(place.sequence, place.offset)
      for (const oldest of hints.keys()) {
        if (hints.size <= HINTS_MAX) break
        hints.delete(oldest)
      }
    },
  }
}

const segmentOf = (file: JournalFile, header: SegmentHeader, cipher: Cipher): Segment => {
  const start = { sequence: header.first, offset: SEGMENT_HEADER_BYTES }
  const places = createPlaces(start)
  const salt = saltOf(header.id)

  const walker = (limit: number, place: Place = start): SegmentWalker =>
    new SegmentWalker(file, { salt, limit, ...place })

  const unseal = (frame: WalkedFrame): Buffer | undefined => {
    try {
      return cipher.open(frame.sealed, frameAad(header.id, frame.headerBytes))
    } catch (error) {
      if (error instanceof EncryptionError) return undefined
      throw error
    }
  }

  return {
    header,
    walker,
    unseal,
    read: async (from, to, limitBytes, framesMax, bytesMax) => {
      const frames: StoredFrame[] = []
      const walk = walker(limitBytes, places.before(from))
      let bytes = 0
      let next = from
      let end: number | undefined
      while (next < to && frames.length < framesMax && (bytes < bytesMax || frames.length === 0)) {
        const step = await walk.next(false)
        if (step === undefined) return { frames, resumeAt: to }
        if (step.kind === 'gap' || step.header.sequence < from) continue
        const sequence = step.header.sequence
        places.passed({ sequence, offset: step.offset })
        if (sequence > next) return { frames, resumeAt: sequence }
        const plain = unseal(step)
        if (plain === undefined) return { frames, resumeAt: sequence + 1 }
        frames.push({ sequence, bytes: plain })
        bytes += plain.length
        next = sequence + 1
        end = step.end
      }
      if (end !== undefined) places.stopped({ sequence: next, offset: end })
      return { frames }
    },
    size: () => file.size(),
    close: () => file.close(),
  }
}
