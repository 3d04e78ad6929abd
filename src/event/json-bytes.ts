/** The bytes that JSON's structure is made of (RFC 8259 §2), as classes for a table look-up. */

export const LINE_FEED = 0x0a
export const SPACE = 0x20
export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const COMMA = 0x2c
export const OPEN_BRACE = 0x7b
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACE = 0x7d
export const CLOSE_BRACKET = 0x5d
export const COLON = 0x3a

/** Nothing that a scanner must stop at: numbers, literals, white space but line feeds, and junk. */
export const PLAIN = 0
export const IS_QUOTE = 1
export const IS_OPEN = 2
export const IS_CLOSE = 3
export const IS_COLON = 4
export const IS_LINE_FEED = 5

/** By byte. */
export const CLASSES: Uint8Array = (() => {
  const classes = new Uint8Array(256)
  classes[QUOTE] = IS_QUOTE
  classes[OPEN_BRACE] = IS_OPEN
  classes[OPEN_BRACKET] = IS_OPEN
  classes[CLOSE_BRACE] = IS_CLOSE
  classes[CLOSE_BRACKET] = IS_CLOSE
  classes[COLON] = IS_COLON
  classes[LINE_FEED] = IS_LINE_FEED
  return classes
})()

/** Space, tab, line feed, carriage return: what may stand between tokens. */
export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Behind a number or literal, or where something else begins. */
export const isScalarEnd = (byte: number | undefined): boolean =>
  isSpace(byte) || byte === COMMA || byte === CLOSE_BRACKET || byte === OPEN_BRACE || byte === QUOTE
