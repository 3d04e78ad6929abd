/**
 * Blocks of event text: what one looks like, without any file. A block is bound to its place by its
 * additional authenticated data, so that none can be moved or put into another day.
 */
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { EventCategory } from '../../event/sealed-event.ts'
import { type Cipher, type MasterKey, WRAPPED_KEY_BYTES } from '../../platform/encryption.ts'
import { HistoryError } from '../history-error.ts'

/** One event as the history keeps it: its address in the journal, the sealed members, its text. */
export interface StoredEvent {
  readonly shard: number
  readonly sequence: number
  readonly index: number
  readonly eventId: string
  readonly account: string
  readonly region: string
  readonly category: EventCategory
  /** The event's own bytes. */
  readonly text: Buffer
}

/** Where a block is; `offset` in bytes from the start of its file. */
export interface BlockPlace {
  readonly day: string
  readonly file: number
  readonly offset: number
}

const FILE_MAGIC = Buffer.from('CLEWHIST')
const FILE_VERSION = 1
/** Magic, version, reserved, wrapped data key, CRC-32 of all before. */
export const FILE_HEADER_BYTES = 8 + 2 + 2 + WRAPPED_KEY_BYTES + 4

export const BLOCK_MAGIC = Buffer.from('BLK1')
/** Magic, bytes sealed, events, reserved, CRC-32 of the rest of the block. */
export const BLOCK_HEADER_BYTES = 4 + 4 + 2 + 2 + 4
/** A block closes at this many events or bytes of text, whichever is first. */
export const BLOCK_EVENTS_MAX = 48
export const BLOCK_TEXT_BYTES = 65_536
/** What opening a block may expand to; one event of the largest size fits many times. */
const BLOCK_PLAIN_BYTES_MAX = 268_435_456

export const newBlockFile = (master: MasterKey): { header: Buffer; cipher: Cipher } => {
  const { wrapped, cipher } = master.newDataKey()
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  FILE_MAGIC.copy(header)
  header.writeUInt16BE(FILE_VERSION, 8)
  wrapped.copy(header, 12)
  header.writeUInt32BE(crc32(header.subarray(0, -4)), FILE_HEADER_BYTES - 4)
  return { header, cipher }
}

/** Undefined when the bytes are no whole header; throws `newer-format` and EncryptionError. */
export const cipherOfHeader = (header: Buffer, master: MasterKey): Cipher | undefined => {
  if (header.length < FILE_HEADER_BYTES || !header.subarray(0, 8).equals(FILE_MAGIC)) return
  const version = header.readUInt16BE(8)
  if (version > FILE_VERSION) {
    throw new HistoryError('newer-format', `Block file of version ${version}.`, {
      hint: `This release reads version ${FILE_VERSION}: start the release that wrote the data folder.`,
    })
  }
  const crc = header.readUInt32BE(FILE_HEADER_BYTES - 4)
  if (crc32(header.subarray(0, FILE_HEADER_BYTES - 4)) !== crc) return
  return master.dataKey(header.subarray(12, 12 + WRAPPED_KEY_BYTES))
}

const placeBytes = (place: BlockPlace): Buffer =>
  Buffer.from(`clew history ${place.day} ${place.file} ${place.offset}`)

type DirectoryRow = [number, number, number, number, string, string, string, EventCategory]

/** What the plaintext of a usual block fits into: allocating it anew costs more than filling it. */
export const PLAIN_BYTES_USUAL = 4 * BLOCK_TEXT_BYTES
const ownScratch = Buffer.allocUnsafeSlow(PLAIN_BYTES_USUAL)

/** Directory and texts, in `scratch` where they fit. At most BLOCK_EVENTS_MAX events. */
export const plainBlock = (events: readonly StoredEvent[], scratch: Buffer): Buffer => {
  const directory = events.map(
    (event): DirectoryRow => [
      event.shard,
      event.sequence,
      event.index,
      event.text.length,
      event.eventId,
      event.account,
      event.region,
      event.category,
    ],
  )
  const head = `${JSON.stringify(directory)}\n`
  const bytes = events.reduce((sum, { text }) => sum + text.length, Buffer.byteLength(head))
  const plain = bytes <= scratch.length ? scratch.subarray(0, bytes) : Buffer.allocUnsafe(bytes)
  let at = plain.write(head)
  for (const { text } of events) {
    plain.set(text, at)
    at += text.length
  }
  return plain
}

export const ZSTD_PARAMETERS = { [constants.ZSTD_c_compressionLevel]: 1 }

/** For a few blocks; `block-packer.ts` packs many. */
export const packBlock = (events: readonly StoredEvent[]): Buffer =>
  zstdCompressSync(plainBlock(events, ownScratch), { params: ZSTD_PARAMETERS })

/** The block's bytes, ready to be appended at `place`. `packed` has `count` events. */
export const sealBlock = (
  packed: Buffer,
  count: number,
  place: BlockPlace,
  cipher: Cipher,
): Buffer => {
  const sealed = cipher.seal(packed, placeBytes(place))
  const header = Buffer.alloc(BLOCK_HEADER_BYTES)
  BLOCK_MAGIC.copy(header)
  header.writeUInt32BE(sealed.length, 4)
  header.writeUInt16BE(count, 8)
  header.writeUInt32BE(crc32(sealed, crc32(header.subarray(0, 12))), 12)
  return Buffer.concat([header, sealed])
}

/** A whole block at once. */
export const encodeBlock = (
  events: readonly StoredEvent[],
  place: BlockPlace,
  cipher: Cipher,
): Buffer => sealBlock(packBlock(events), events.length, place, cipher)

/** Length of the whole block that begins at `offset`, or undefined where none is intact. */
export const intactBlockAt = (bytes: Buffer, offset: number): number | undefined => {
  const start = offset + BLOCK_HEADER_BYTES
  if (start > bytes.length || !bytes.subarray(offset, offset + 4).equals(BLOCK_MAGIC)) return
  const end = start + bytes.readUInt32BE(offset + 4)
  if (end > bytes.length) return
  const crc = crc32(bytes.subarray(start, end), crc32(bytes.subarray(offset, offset + 12)))
  return crc === bytes.readUInt32BE(offset + 12) ? end - offset : undefined
}

/**
 * What zlib unpacks into: texts of a full block and its directory, nearly always. Four times as much, and
 * a copy of the rest, cost 145 µs a block instead of 90; what is left over stays with the texts.
 */
const UNPACKED_USUAL = BLOCK_TEXT_BYTES + 12 * 1024

/** The texts keep all that they are views of in memory: a short block must not hold a long one's. */
const withoutSlack = (plain: Buffer): Buffer => {
  if (plain.length > UNPACKED_USUAL * 0.75) return plain
  const copy = Buffer.allocUnsafeSlow(plain.length)
  copy.set(plain)
  return copy
}

/** Opens a block whose checksum holds. Throws EncryptionError, or `damaged-block`. */
export const decodeBlock = (block: Buffer, place: BlockPlace, cipher: Cipher): StoredEvent[] => {
  const packed = cipher.open(block.subarray(BLOCK_HEADER_BYTES), placeBytes(place))
  try {
    const plain = withoutSlack(
      zstdDecompressSync(packed, {
        maxOutputLength: BLOCK_PLAIN_BYTES_MAX,
        chunkSize: UNPACKED_USUAL,
      }),
    )
    let at = plain.indexOf(10) + 1
    const directory = JSON.parse(plain.toString('utf8', 0, at)) as DirectoryRow[]
    const events = directory.map(([shard, sequence, index, length, ...facts]): StoredEvent => {
      const [eventId, account, region, category] = facts
      const text = plain.subarray(at, at + length)
      at += length
      return { shard, sequence, index, eventId, account, region, category, text }
    })
    if (at !== plain.length || events.length !== block.readUInt16BE(8)) {
      throw new RangeError('The directory does not describe the text.')
    }
    return events
  } catch (cause) {
    throw new HistoryError('damaged-block', `Block at ${place.offset} cannot be read.`, { cause })
  }
}

export interface BlockScan {
  readonly blocks: readonly { readonly offset: number; readonly length: number }[]
  /** Runs of bytes between intact blocks that are none. */
  readonly damaged: readonly { readonly offset: number; readonly length: number }[]
  /** Where the last intact block ends. */
  readonly end: number
}

/** Walks a block file's bytes from `from` on; looks for the next intact block behind damage. */
export const scanBlocks = (bytes: Buffer, from: number): BlockScan => {
  const blocks: { offset: number; length: number }[] = []
  const damaged: { offset: number; length: number }[] = []
  let end = from
  let at = from
  while (at !== -1 && at < bytes.length) {
    const length = intactBlockAt(bytes, at)
    if (length === undefined) {
      at = bytes.indexOf(BLOCK_MAGIC, at + 1)
      continue
    }
    if (at > end) damaged.push({ offset: end, length: at - end })
    blocks.push({ offset: at, length })
    at += length
    end = at
  }
  return { blocks, damaged, end }
}
