/** Short texts that come again and again (accounts, regions, categories): one string for all of them. */

const SLOTS = 1024
/** Longer texts hardly repeat. */
const TEXT_BYTES_MAX = 64

/** Of the ASCII bytes from `start` to `end`, which must be at least one. */
export type TextOf = (bytes: Buffer, start: number, end: number) => string

const isAt = (text: string, bytes: Buffer, start: number): boolean => {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== bytes[start + at]) return false
  }
  return true
}

/** Making a string of bytes is a call out of JavaScript; comparing a dozen of them is not. */
export const createTextCache = (): TextOf => {
  const texts = new Array<string>(SLOTS).fill('')
  return (bytes, start, end) => {
    const length = end - start
    if (length > TEXT_BYTES_MAX) return bytes.toString('latin1', start, end)
    let slot = length
    for (let at = start; at < end; at++) slot = (slot * 31 + (bytes[at] as number)) | 0
    slot = (slot ^ (slot >>> 12)) & (SLOTS - 1)
    const known = texts[slot] as string
    if (known.length === length && isAt(known, bytes, start)) return known
    const text = bytes.toString('latin1', start, end)
    texts[slot] = text
    return text
  }
}
