/** The bytes of each record of a log file, found by counting brackets outside of strings. */

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d]

/** Of `{"Records":[{…},{…}]}`; throws where the file is not closed. */
export const recordTexts = (file: Buffer): Buffer[] => {
  const texts: Buffer[] = []
  let depth = 0
  let from = 0
  let quoted = false
  for (let at = 0; at < file.length; at++) {
    const byte = file[at]
    if (quoted) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (byte === OPEN) {
      if (depth === 1) from = at
      depth++
    } else if (byte === CLOSE) {
      depth--
      if (depth === 1) texts.push(file.subarray(from, at + 1))
    }
  }
  if (depth !== 0 || quoted) throw new Error('The log file is cut off.')
  return texts
}
