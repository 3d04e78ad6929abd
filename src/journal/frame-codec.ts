/**
 * The bytes of a frame (docs/formats/journal.md): a head of 12 bytes, an index that names each event
 * without its text, and the texts as one zstd frame of NDJSON. The index is read without touching
 * the texts, which is how recovery, spool and consumers find what concerns them.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { EventCategory, EventOrigin, SealedEvent } from '../event/sealed-event.ts'
import { CodedError } from '../platform/errors.ts'
import { ByteReader, ByteWriter } from './codec/bytes.ts'
import { readEventId, writeEventId } from './codec/event-id.ts'
import type { ControlFrame, Frame, Intent } from './frame.ts'

/** `newer-version`: written by a newer Clew; MUST NOT be stepped over as if it were damage. */
export class FrameCodecError extends CodedError<
  'corrupt' | 'newer-version' | 'too-large' | 'invalid'
> {}

/** A frame's texts and their line feeds may have so many bytes. */
export const FRAME_TEXT_BYTES_MAX = 8 * 1024 * 1024
/** Events that are grouped into one frame have at most so many bytes of text: below NATS' payload. */
export const FRAME_GROUP_BYTES_MAX = 1024 * 1024
/** Events or intents in one frame: bounds the index. */
export const FRAME_ENTRIES_MAX = 10_000

const VERSION = 1
const HEAD_BYTES = 12
const LINE_FEED = 0x0a
const KINDS = { events: 1, intents: 2, control: 3 } as const
const CATEGORIES: readonly EventCategory[] = [
  'Management',
  'Data',
  'NetworkActivity',
  'Insight',
  'Aggregated',
]
const ORIGIN_CAPTURE = 0
const ORIGIN_DELIVERY = 1
const ORIGIN_IMPORT = 2
const ORIGIN_IMPORT_OF_TRAIL = 3

/** One event or intent of a frame, without its text. */
export interface IndexEntry {
  /** Of the text among the frame's texts, in bytes. */
  readonly offset: number
  readonly length: number
  readonly eventId: string
  readonly account: string
  readonly region: string
  readonly category: EventCategory
  readonly origin: EventOrigin
}

export interface FrameIndex {
  readonly kind: Frame['kind']
  /** Of a control frame only. */
  readonly topic?: string
  readonly entries: readonly IndexEntry[]
}

/**
 * Shorter texts stay as they are: making a zstd context costs some 40 µs to compress and 25 µs to
 * decompress, more than all else that is done with a frame of one event.
 */
const COMPRESS_FROM_BYTES = 4096
const TEXTS_ZSTD = 0
const TEXTS_PLAIN = 1

const CAPTURED: EventOrigin = { kind: 'capture' }

const writeOrigin = (writer: ByteWriter, origin: EventOrigin): void => {
  switch (origin.kind) {
    case 'capture':
      writer.byte(ORIGIN_CAPTURE)
      return
    case 'delivery':
      writer.byte(ORIGIN_DELIVERY)
      writer.shared(origin.trailArn)
      return
    case 'import':
      writer.byte(origin.trailArn === undefined ? ORIGIN_IMPORT : ORIGIN_IMPORT_OF_TRAIL)
      writer.shared(origin.jobId)
      if (origin.trailArn !== undefined) writer.shared(origin.trailArn)
  }
}

const readOrigin = (reader: ByteReader): EventOrigin => {
  const kind = reader.byte()
  switch (kind) {
    case ORIGIN_CAPTURE:
      return CAPTURED
    case ORIGIN_DELIVERY:
      return { kind: 'delivery', trailArn: reader.shared() }
    case ORIGIN_IMPORT:
      return { kind: 'import', jobId: reader.shared() }
    case ORIGIN_IMPORT_OF_TRAIL:
      return { kind: 'import', jobId: reader.shared(), trailArn: reader.shared() }
    default:
      throw new FrameCodecError('corrupt', `A frame names the unknown origin ${kind}.`)
  }
}

const refuse = (text: string): never => {
  throw new FrameCodecError('too-large', text)
}

const writeEntries = (writer: ByteWriter, entries: readonly (SealedEvent | Intent)[]): void => {
  if (entries.length > FRAME_ENTRIES_MAX) refuse(`A frame has ${entries.length} entries.`)
  writer.u32(entries.length)
  let offset = 0
  for (const entry of entries) {
    if (entry.text.includes(LINE_FEED)) {
      throw new FrameCodecError('invalid', `The text of event ${entry.eventId} has a line feed.`)
    }
    writer.u32(offset)
    writer.u32(entry.text.length)
    writer.shared(entry.account)
    writer.shared(entry.region)
    writer.byte(CATEGORIES.indexOf(entry.category))
    writeOrigin(writer, 'origin' in entry ? entry.origin : CAPTURED)
    writeEventId(writer, entry.eventId)
    offset += entry.text.length + 1
  }
}

const linesOf = (texts: readonly Uint8Array[]): Buffer => {
  const total = texts.reduce((sum, text) => sum + text.byteLength + 1, 0)
  if (total > FRAME_TEXT_BYTES_MAX) refuse(`The texts of a frame have ${total} bytes.`)
  const lines = Buffer.allocUnsafe(total)
  let at = 0
  for (const text of texts) {
    lines.set(text, at)
    at += text.byteLength
    lines[at++] = LINE_FEED
  }
  return lines
}

/** Throws FrameCodecError `too-large` above a limit and `invalid` for a text with a line feed. */
export const encodeFrame = (frame: Frame): Buffer => {
  const writer = new ByteWriter()
  let texts: readonly Uint8Array[]
  if (frame.kind === 'control') {
    writer.shared(frame.topic)
    texts = [Buffer.from(frame.payload)]
  } else {
    const entries = frame.kind === 'events' ? frame.events : frame.intents
    writeEntries(writer, entries)
    texts = entries.map((entry) => entry.text)
  }
  const lines = linesOf(texts)
  const index = writer.finish()
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = VERSION
  head[1] = KINDS[frame.kind]
  head.writeUInt32BE(index.length, 4)
  head.writeUInt32BE(lines.length, 8)
  if (lines.length < COMPRESS_FROM_BYTES) {
    head[2] = TEXTS_PLAIN
    return Buffer.concat([head, index, lines])
  }
  const params = { [constants.ZSTD_c_compressionLevel]: 1 }
  return Buffer.concat([head, index, zstdCompressSync(lines, { params })])
}

interface Parts {
  readonly index: FrameIndex
  readonly lineBytes: number
  readonly isPlain: boolean
  readonly stored: Buffer
}

const readEntries = (reader: ByteReader, lineBytes: number): IndexEntry[] => {
  const count = reader.u32()
  if (count > FRAME_ENTRIES_MAX)
    throw new FrameCodecError('corrupt', 'A frame has too many entries.')
  const entries: IndexEntry[] = []
  for (let each = 0; each < count; each++) {
    const offset = reader.u32()
    const length = reader.u32()
    const account = reader.shared()
    const region = reader.shared()
    const category = CATEGORIES[reader.byte()]
    const origin = readOrigin(reader)
    const eventId = readEventId(reader)
    if (category === undefined || offset + length >= lineBytes) {
      throw new FrameCodecError('corrupt', 'The index of a frame does not fit its texts.')
    }
    entries.push({ offset, length, eventId, account, region, category, origin })
  }
  return entries
}

const kindOf = (code: number | undefined): Frame['kind'] => {
  if (code === KINDS.events) return 'events'
  if (code === KINDS.intents) return 'intents'
  if (code === KINDS.control) return 'control'
  throw new FrameCodecError('corrupt', `A frame has the unknown kind ${code}.`)
}

const isPlainCode = (code: number | undefined): boolean => {
  if (code === TEXTS_PLAIN || code === TEXTS_ZSTD) return code === TEXTS_PLAIN
  throw new FrameCodecError('corrupt', `A frame has texts of the unknown form ${code}.`)
}

const split = (bytes: Buffer): Parts => {
  const version = bytes[0] ?? 0
  if (version > VERSION) {
    throw new FrameCodecError('newer-version', `A frame has version ${version}.`, {
      hint: 'Run the newer version of Clew that wrote this data folder.',
    })
  }
  if (version === 0 || bytes.length < HEAD_BYTES) {
    throw new FrameCodecError('corrupt', 'A frame has no head.')
  }
  const end = HEAD_BYTES + bytes.readUInt32BE(4)
  const lineBytes = bytes.readUInt32BE(8)
  if (end > bytes.length || lineBytes > FRAME_TEXT_BYTES_MAX) {
    throw new FrameCodecError('corrupt', 'The head of a frame does not fit its length.')
  }
  const kind = kindOf(bytes[1])
  try {
    const reader = new ByteReader(bytes.subarray(HEAD_BYTES, end))
    const index: FrameIndex =
      kind === 'control'
        ? { kind, topic: reader.shared(), entries: [] }
        : { kind, entries: readEntries(reader, lineBytes) }
    return { index, lineBytes, isPlain: isPlainCode(bytes[2]), stored: bytes.subarray(end) }
  } catch (cause) {
    if (cause instanceof FrameCodecError) throw cause
    throw new FrameCodecError('corrupt', 'The index of a frame is cut short.', { cause })
  }
}

const decompress = ({ stored, lineBytes, isPlain }: Parts): Buffer => {
  if (isPlain && stored.length === lineBytes) return stored
  if (lineBytes === 0) return Buffer.alloc(0)
  let lines: Buffer
  try {
    // One piece: the default of 16 KiB pieces costs twice as much, most of it in the garbage
    // collector. One byte more than fits, or zlib asks for another piece to see that it is the end.
    const chunkSize = Math.max(constants.Z_MIN_CHUNK, lineBytes + 1)
    lines = zstdDecompressSync(stored, { maxOutputLength: lineBytes, chunkSize })
  } catch (cause) {
    throw new FrameCodecError('corrupt', 'The texts of a frame do not decompress.', { cause })
  }
  if (lines.length === lineBytes) return lines
  throw new FrameCodecError('corrupt', 'The texts of a frame are shorter than its head says.')
}

/** What a frame holds, without decompressing its texts. Throws FrameCodecError. */
export const readFrameIndex = (bytes: Buffer): FrameIndex => split(bytes).index

const controlOf = (parts: Parts, lines: Buffer): ControlFrame => ({
  kind: 'control',
  topic: parts.index.topic ?? '',
  payload: lines.toString('utf8', 0, lines.length - 1),
})

const eventOf = (entry: IndexEntry, text: Buffer): SealedEvent => {
  const { eventId, account, region, category, origin } = entry
  return { eventId, account, region, category, origin, text }
}

/** The inverse of `encodeFrame`, byte for byte. Texts are views of one buffer. Throws FrameCodecError. */
export const decodeFrame = (bytes: Buffer): Frame => {
  const parts = split(bytes)
  const lines = decompress(parts)
  if (parts.index.kind === 'control') return controlOf(parts, lines)
  const textOf = ({ offset, length }: IndexEntry): Buffer => lines.subarray(offset, offset + length)
  const { kind, entries } = parts.index
  if (kind === 'events') return { kind, events: entries.map((each) => eventOf(each, textOf(each))) }
  const intents = entries.map((entry) => {
    const { eventId, account, region, category } = entry
    return { eventId, account, region, category, text: textOf(entry) }
  })
  return { kind: 'intents', intents }
}
