/**
 * Marks an intent's record as one whose outcome was never seen, by editing its text: nothing else of
 * it is serialised again. The text is our own serialiser's: one compact JSON object, in which
 * `additionalEventData` is absent, null or an object.
 */

const MARK = '"captureIncomplete":true'
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING = new Set([0x7b, 0x5b])
const CLOSING = new Set([0x7d, 0x5d])

/** Index behind the string that starts at `start`. */
const stringEnd = (text: Buffer, start: number): number => {
  let at = start + 1
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1
  return at + 1
}

/** The members of the outermost object: name, where the member starts, where its value does. */
const topLevelMembers = (text: Buffer): { name: string; start: number; value: number }[] => {
  const members: { name: string; start: number; value: number }[] = []
  let depth = 0
  let at = 0
  while (at < text.length) {
    const byte = text[at] ?? 0
    if (byte !== QUOTE) {
      if (OPENING.has(byte)) depth++
      else if (CLOSING.has(byte)) depth--
      at++
      continue
    }
    const end = stringEnd(text, at)
    // A string of the outermost object is a name where a colon follows, and a value otherwise.
    if (depth === 1 && text[end] === 0x3a) {
      members.push({ name: text.toString('utf8', at + 1, end - 1), start: at, value: end + 1 })
    }
    at = end
  }
  return members
}

const insert = (text: Buffer, at: number, what: string, skip = 0): Buffer =>
  Buffer.concat([text.subarray(0, at), Buffer.from(what), text.subarray(at + skip)])

/** Where CloudTrail's own order has `additionalEventData`: before these, whichever comes first. */
const FOLLOWING = new Set(['requestID', 'eventID', 'readOnly', 'resources', 'eventType'])

/** Throws an Error where `text` is not such a record. */
export const markIncomplete = (text: Buffer): Buffer => {
  const members = topLevelMembers(text)
  const existing = members.find((member) => member.name === 'additionalEventData')
  if (existing !== undefined) {
    const { value } = existing
    if (text.toString('latin1', value, value + 4) === 'null') {
      return insert(text, value, `{${MARK}}`, 4)
    }
    if (text[value] !== 0x7b) throw new Error('additionalEventData is no object.')
    return insert(text, value + 1, text[value + 1] === 0x7d ? MARK : `${MARK},`)
  }
  const member = `"additionalEventData":{${MARK}}`
  const following = members.find(({ name }) => FOLLOWING.has(name))
  if (following !== undefined) return insert(text, following.start, `${member},`)
  if (text.at(-1) !== 0x7d) throw new Error('The text of an intent is no JSON object.')
  return insert(text, text.length - 1, members.length === 0 ? member : `,${member}`)
}
