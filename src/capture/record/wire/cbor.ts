/** CBOR (RFC 8949) as Smithy's rpc-v2-cbor uses it: to plain values, blobs to Buffers. */
import { CodedError } from '../../../platform/errors.ts'

class CborError extends CodedError<'malformed'> {}

const DEPTH_MAX = 64
const BREAK = Symbol('break')

const halfFloat = (bits: number): number => {
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Where reading stands. */
interface Cursor {
  readonly bytes: Buffer
  at: number
}

const take = (cursor: Cursor, length: number): number => {
  const start = cursor.at
  cursor.at += length
  if (cursor.at > cursor.bytes.length) throw new CborError('malformed', 'The CBOR ends too early.')
  return start
}

const argument = (cursor: Cursor, info: number): number => {
  const { bytes } = cursor
  if (info < 24) return info
  if (info === 24) return bytes.readUInt8(take(cursor, 1))
  if (info === 25) return bytes.readUInt16BE(take(cursor, 2))
  if (info === 26) return bytes.readUInt32BE(take(cursor, 4))
  if (info === 27) return Number(bytes.readBigUInt64BE(take(cursor, 8)))
  throw new CborError('malformed', `A CBOR head of ${info} has no meaning.`)
}

const chunk = (cursor: Cursor, info: number): Buffer => {
  const length = argument(cursor, info)
  const start = take(cursor, length)
  return cursor.bytes.subarray(start, start + length)
}

/** Items up to the break, or as many as `length` says. */
const items = (cursor: Cursor, length: number, depth: number): unknown[] => {
  const values: unknown[] = []
  while (values.length < length) {
    const value = item(cursor, depth + 1)
    if (value === BREAK) break
    values.push(value)
  }
  return values
}

const lengthOf = (cursor: Cursor, info: number): number =>
  info === 31 ? Number.POSITIVE_INFINITY : argument(cursor, info)

const text = (cursor: Cursor, info: number, depth: number): string =>
  info === 31
    ? items(cursor, Number.POSITIVE_INFINITY, depth).map(String).join('')
    : chunk(cursor, info).toString('utf8')

const blob = (cursor: Cursor, info: number, depth: number): Buffer =>
  info === 31
    ? Buffer.concat(
        items(cursor, Number.POSITIVE_INFINITY, depth).filter((part) => Buffer.isBuffer(part)),
      )
    : chunk(cursor, info)

const map = (cursor: Cursor, info: number, depth: number): Record<string, unknown> => {
  const length = lengthOf(cursor, info)
  const entries: [string, unknown][] = []
  while (entries.length < length) {
    const key = item(cursor, depth + 1)
    if (key === BREAK) break
    entries.push([String(key), item(cursor, depth + 1)])
  }
  return Object.fromEntries(entries)
}

const simple = (cursor: Cursor, info: number): unknown => {
  const { bytes } = cursor
  if (info === 20 || info === 21) return info === 21
  if (info === 22 || info === 23) return null
  if (info === 25) return halfFloat(bytes.readUInt16BE(take(cursor, 2)))
  if (info === 26) return bytes.readFloatBE(take(cursor, 4))
  if (info === 27) return bytes.readDoubleBE(take(cursor, 8))
  if (info === 31) return BREAK
  return argument(cursor, info)
}

const item = (cursor: Cursor, depth: number): unknown => {
  if (depth > DEPTH_MAX) throw new CborError('malformed', 'The CBOR nests too deep.')
  const head = cursor.bytes.readUInt8(take(cursor, 1))
  const info = head & 0x1f
  switch (head >> 5) {
    case 0:
      return argument(cursor, info)
    case 1:
      return -1 - argument(cursor, info)
    case 2:
      return blob(cursor, info, depth)
    case 3:
      return text(cursor, info, depth)
    case 4:
      return items(cursor, lengthOf(cursor, info), depth)
    case 5:
      return map(cursor, info, depth)
    case 6:
      // Tag 1, epoch seconds, is the only one in use: the bare number is what the renderer takes.
      argument(cursor, info)
      return item(cursor, depth + 1)
    default:
      return simple(cursor, info)
  }
}

/** Undefined for what is not one whole CBOR value. */
export const parseCbor = (bytes: Buffer): unknown => {
  try {
    const cursor = { bytes, at: 0 }
    const value = item(cursor, 0)
    return value === BREAK || cursor.at < bytes.length ? undefined : value
  } catch {
    // Malformed input: the record says null.
    return undefined
  }
}
