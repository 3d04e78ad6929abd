import type { ByteReader, ByteWriter } from './bytes.ts'

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const AS_UUID = 0
const AS_TEXT = 1

/** Where the two characters of each byte begin, between the dashes. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** Of a lower-case hexadecimal digit. */
const digitOf = (code: number): number => (code <= 0x39 ? code - 0x30 : code - 0x57)

/** Sixteen bytes for a lower-case UUID, which nearly every event id is; else its text. */
export const writeEventId = (writer: ByteWriter, eventId: string): void => {
  if (CANONICAL_UUID.test(eventId)) {
    writer.byte(AS_UUID)
    for (const place of PLACES) {
      writer.byte(digitOf(eventId.charCodeAt(place)) * 16 + digitOf(eventId.charCodeAt(place + 1)))
    }
    return
  }
  const bytes = Buffer.from(eventId)
  writer.byte(AS_TEXT)
  writer.u16(bytes.length)
  writer.bytes(bytes)
}

const HEX_DIGITS = Buffer.from('0123456789abcdef')
const UUID_CHARACTERS = 36
const DASH = 0x2d
/** The characters of the id that is being read; only `readEventId` uses it, and never for longer. */
const characters = Buffer.alloc(UUID_CHARACTERS, DASH)

export const readEventId = (reader: ByteReader): string => {
  if (reader.byte() === AS_TEXT) return reader.bytes(reader.u16()).toString()
  for (const place of PLACES) {
    const byte = reader.byte()
    characters[place] = HEX_DIGITS[byte >> 4] ?? 0
    characters[place + 1] = HEX_DIGITS[byte & 15] ?? 0
  }
  return characters.toString('latin1')
}
