import { BACKSLASH, isSpace, QUOTE } from '../../../event/json-bytes.ts'

/**
 * A copy without the white space between tokens. Every token, and every byte inside strings, stays
 * as it is. `text` MUST be a JSON text.
 */
export const withoutSpace = (text: Buffer): Buffer => {
  const out = Buffer.allocUnsafe(text.length)
  let length = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0
    if (!inString && isSpace(byte)) continue
    out[length++] = byte
    if (byte === QUOTE) inString = !inString
    else if (inString && byte === BACKSLASH) out[length++] = text[++at] ?? 0
  }
  return out.subarray(0, length)
}
