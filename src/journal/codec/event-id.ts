import type { ByteReader, ByteWriter } from './bytes.ts'

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const UUID_BYTES = 16
const AS_UUID = 0
const AS_TEXT = 1

/** Sixteen bytes for a lower-case UUID, which nearly every event id is; else its text. */
export const writeEventId = (writer: ByteWriter, eventId: string): void => {
  if (CANONICAL_UUID.test(eventId)) {
    writer.byte(AS_UUID)
    writer.bytes(Buffer.from(eventId.replaceAll('-', ''), 'hex'))
    return
  }
  const bytes = Buffer.from(eventId)
  writer.byte(AS_TEXT)
  writer.u16(bytes.length)
  writer.bytes(bytes)
}

export const readEventId = (reader: ByteReader): string => {
  if (reader.byte() === AS_TEXT) return reader.bytes(reader.u16()).toString()
  const hex = reader.bytes(UUID_BYTES).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
