/**
 * `eventTime` out of a record's text without parsing it: of every event of a trail that selects by
 * category alone it is the one thing that delivery has to know, and parsing costs ten times as much.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from '../../../event/json-bytes.ts'

const NAME = Buffer.from('eventTime')
/** What AWS writes, `2026-03-02T08:15:20Z`, has 20 characters; fractions and offsets need more. */
const VALUE_BYTES_MAX = 64

/** Behind the string whose opening quote is at `at`; behind the text's end where it never ends. */
const stringEnd = (text: Buffer, at: number): number => {
  let next = at + 1
  for (; next < text.length; next++) {
    const byte = text[next]
    if (byte === QUOTE) break
    if (byte === BACKSLASH) next++
  }
  return next + 1
}

const behindSpace = (text: Buffer, at: number): number => {
  let next = at
  while ((text[next] ?? QUOTE) <= SPACE) next++
  return next
}

const isName = (text: Buffer, at: number): boolean => {
  for (let index = 0; index < NAME.length; index++) {
    if (text[at + index] !== NAME[index]) return false
  }
  return true
}

/** The string value behind the name that ends in front of `at`; undefined where it is none. */
const valueAt = (text: Buffer, at: number): string | undefined => {
  const colon = behindSpace(text, at)
  if (text[colon] !== COLON) return undefined
  const start = behindSpace(text, colon + 1)
  if (text[start] !== QUOTE) return undefined
  const end = stringEnd(text, start) - 1
  if (end >= text.length || end - start > VALUE_BYTES_MAX) return undefined
  const value = text.toString('latin1', start + 1, end)
  // An escape, or a letter that is no ASCII, is left to the parser.
  return /^[\x20-\x5b\x5d-\x7e]*$/.test(value) ? value : undefined
}

/**
 * The value of the record's own `eventTime`, that is of the first member of this name at the top of
 * the object; undefined where there is none in a simple form: then only a parser can tell.
 *
 * `text` is a JSON object. Outside a string a quote begins one, and inside only an unescaped one ends
 * it; so depth is known at every byte, and at depth 1 a string that a colon follows is a name.
 */
export const eventTimeOf = (text: Buffer): string | undefined => {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]
    if (byte === QUOTE) {
      const end = stringEnd(text, at)
      const named = depth === 1 && end - at === NAME.length + 2 && isName(text, at + 1)
      const value = named ? valueAt(text, end) : undefined
      if (value !== undefined) return value
      at = end - 1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  return undefined
}
