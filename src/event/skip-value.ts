/**
 * Walks over one JSON value (RFC 8259) and says where it ends, or that it is none. Where a value may be
 * cut short, a 0 must stand behind its last byte: a read behind the end of a buffer gives the right
 * answer too, but V8 compiles all of this in a slower way from the first such read on (twice the time).
 */

import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from './json-bytes.ts'

/** It is no JSON value, or the bytes end inside it, or it is nested deeper than is followed. */
export const NO_VALUE = -1

/** Objects and arrays inside one another that are followed: one bit of a word each. */
const DEPTH_MAX = 30

const ZERO = 0x30
const NINE = 0x39
const LETTER_U = 0x75

/** Bytes that end the plain part of a string: the quote, the backslash, and what must be escaped. */
const STOPS: Uint8Array = (() => {
  const stops = new Uint8Array(256)
  stops.fill(1, 0, SPACE)
  stops[QUOTE] = 1
  stops[BACKSLASH] = 1
  return stops
})()

const bytesOf = (text: string): Uint8Array => {
  const set = new Uint8Array(256)
  for (const each of Buffer.from(text)) set[each] = 1
  return set
}
/** What may stand behind a backslash, `u` aside. */
const ESCAPED = bytesOf('"\\/bfnrt')
const HEX = bytesOf('0123456789abcdefABCDEF')
const SPACES = bytesOf(' \t\n\r')

/** The first byte from `at` on that is no white space. */
export const skipSpace = (bytes: Buffer, at: number): number => {
  let next = at
  while (SPACES[bytes[next] as number] === 1) next++
  return next
}

/** Behind the escape whose backslash is at `at`. */
const skipEscape = (bytes: Buffer, at: number): number => {
  const byte = bytes[at + 1] as number
  if (ESCAPED[byte] === 1) return at + 2
  if (byte !== LETTER_U) return NO_VALUE
  for (let digit = at + 2; digit < at + 6; digit++) {
    if (HEX[bytes[digit] as number] !== 1) return NO_VALUE
  }
  return at + 6
}

/** Behind the string whose opening quote is at `from`. Whether it is UTF-8 is not asked. */
export const skipString = (bytes: Buffer, from: number): number => {
  const { length } = bytes
  const lastFour = length - 4
  let at = from + 1
  while (at < length) {
    // Four at a time: a quarter less, because most of the bytes of an event are in strings.
    while (
      at <= lastFour &&
      ((STOPS[bytes[at] as number] as number) |
        (STOPS[bytes[at + 1] as number] as number) |
        (STOPS[bytes[at + 2] as number] as number) |
        (STOPS[bytes[at + 3] as number] as number)) ===
        0
    ) {
      at += 4
    }
    const byte = bytes[at] as number
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH) {
      if (byte < SPACE) return NO_VALUE
      at++
      continue
    }
    at = skipEscape(bytes, at)
    if (at === NO_VALUE) return NO_VALUE
  }
  return NO_VALUE
}

const skipDigits = (bytes: Buffer, from: number): number => {
  let at = from
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++
  return at === from ? NO_VALUE : at
}

const skipNumber = (bytes: Buffer, from: number): number => {
  let at = bytes[from] === 0x2d ? from + 1 : from
  at = bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at)
  if (at !== NO_VALUE && bytes[at] === 0x2e) at = skipDigits(bytes, at + 1)
  if (at === NO_VALUE || ((bytes[at] as number) | 0x20) !== 0x65) return at
  const sign = bytes[at + 1] as number
  return skipDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
}

const isWord = (bytes: Buffer, at: number, word: Uint8Array): boolean => {
  for (let each = 0; each < word.length; each++) if (bytes[at + each] !== word[each]) return false
  return true
}

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')

const skipLiteral = (bytes: Buffer, at: number): number => {
  const word = bytes[at] === 0x74 ? TRUE : bytes[at] === 0x6e ? NULL : FALSE
  return isWord(bytes, at, word) ? at + word.length : NO_VALUE
}

const skipScalar = (bytes: Buffer, at: number): number => {
  const byte = bytes[at] as number
  if (byte === QUOTE) return skipString(bytes, at)
  return byte < 0x5b ? skipNumber(bytes, at) : skipLiteral(bytes, at)
}

/** Behind the name at `at` and its colon. */
const skipName = (bytes: Buffer, at: number): number => {
  if (bytes[at] !== QUOTE) return NO_VALUE
  const end = skipString(bytes, at)
  if (end === NO_VALUE) return NO_VALUE
  const colon = bytes[end] === COLON ? end : skipSpace(bytes, end)
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : NO_VALUE
}

/**
 * Behind the value that begins at `from`, which must be no white space. Every value that it walks
 * over is one for JSON.parse too, save bytes that are no UTF-8.
 */
export const skipValue = (bytes: Buffer, from: number): number => {
  /** A bit per open container, the innermost the lowest: 1 for an object. */
  let objects = 0
  let depth = 0
  let at = from
  for (;;) {
    const byte = bytes[at] as number
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > DEPTH_MAX) return NO_VALUE
      const isObject = byte === OPEN_BRACE
      objects = (objects << 1) | (isObject ? 1 : 0)
      at = skipSpace(bytes, at + 1)
      // Its close is met below, as behind a value.
      if (bytes[at] !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (isObject) at = skipName(bytes, at)
        if (at === NO_VALUE) return NO_VALUE
        continue
      }
    } else {
      at = skipScalar(bytes, at)
      if (at === NO_VALUE) return NO_VALUE
    }
    // Behind a value: its containers' ends, and a comma.
    for (;;) {
      if (depth === 0) return at
      if ((bytes[at] as number) <= SPACE) at = skipSpace(bytes, at)
      const next = bytes[at] as number
      if (next === COMMA) break
      if (next !== ((objects & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) return NO_VALUE
      objects >>= 1
      depth--
      at++
    }
    at = skipSpace(bytes, at + 1)
    if ((objects & 1) === 1) at = skipName(bytes, at)
    if (at === NO_VALUE) return NO_VALUE
  }
}
