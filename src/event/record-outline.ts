/**
 * Where the members of an event's record are in its text, without parsing it: one walk over the bytes
 * that also says that the text is JSON. Who needs a few of the members reads those.
 */

import { BACKSLASH, CLOSE_BRACE, COLON, COMMA, OPEN_BRACE, QUOTE, SPACE } from './json-bytes.ts'
import { NO_VALUE, skipSpace, skipString, skipValue } from './skip-value.ts'
import { createTextCache } from './text-cache.ts'

/** Members of CloudTrail's records (reference/formats.md §1); at most 32, a bit of a word each. */
export const RECORD_MEMBERS = [
  ...['eventVersion', 'userIdentity', 'eventTime', 'eventSource', 'eventName', 'awsRegion'],
  ...['sourceIPAddress', 'userAgent', 'errorCode', 'errorMessage', 'requestParameters'],
  ...['responseElements', 'additionalEventData', 'requestID', 'eventID', 'eventType'],
  ...['apiVersion', 'managementEvent', 'readOnly', 'resources', 'recipientAccountId'],
  ...['serviceEventDetails', 'sharedEventID', 'vpcEndpointId', 'vpcEndpointAccountId'],
  ...['addendum', 'sessionCredentialFromConsole', 'eventContext', 'edgeDeviceDetails'],
  ...['tlsDetails', 'insightDetails', 'eventCategory'],
] as const

export type RecordMember = (typeof RECORD_MEMBERS)[number]

const NUMBERS: ReadonlyMap<string, number> = new Map(
  RECORD_MEMBERS.map((name, number) => [name, number]),
)
const TEXTS = RECORD_MEMBERS.map((name) => Buffer.from(name))

/** An open hash table of the names. */
const SLOTS = 256
const slotOf = (bytes: Buffer, from: number, to: number): number =>
  ((to - from) * 37 +
    (bytes[from] as number) * 3 +
    (bytes[to - 1] as number) * 11 +
    (bytes[(from + to) >> 1] as number) * 5) &
  (SLOTS - 1)

const TABLE: Int8Array = (() => {
  const table = new Int8Array(SLOTS).fill(-1)
  for (const [number, text] of TEXTS.entries()) {
    let slot = slotOf(text, 0, text.length)
    while (table[slot] !== -1) slot = (slot + 1) & (SLOTS - 1)
    table[slot] = number
  }
  return table
})()

const isAt = (text: Buffer, bytes: Buffer, from: number): boolean => {
  for (let at = 0; at < text.length; at++) if (text[at] !== bytes[from + at]) return false
  return true
}

/** The number of the name between the quotes; -1 where it is none of those above. */
const numberOf = (bytes: Buffer, from: number, to: number): number => {
  for (let slot = slotOf(bytes, from, to); ; slot = (slot + 1) & (SLOTS - 1)) {
    const number = TABLE[slot] as number
    if (number === -1) return -1
    const text = TEXTS[number] as Buffer
    if (text.length === to - from && isAt(text, bytes, from)) return number
  }
}

/** A string of ASCII without escapes: its bytes are its characters. */
const isPlainText = (bytes: Buffer, start: number, end: number): boolean => {
  if (bytes[start] !== QUOTE) return false
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x80 || byte === BACKSLASH) return false
  }
  return true
}

/** Of these every event has another one. */
const UNIQUE: ReadonlySet<RecordMember> = new Set(['eventID', 'requestID', 'eventTime'])
const textOf = createTextCache()

/** One record's outline at a time; made once, because it is read for every event. */
export class RecordOutline {
  /** Members that the record has; none is there twice. */
  members = 0
  /** A bit per member that is there. */
  #has = 0
  /** By member: where its value is, from the record's first byte on. */
  readonly #starts = new Int32Array(RECORD_MEMBERS.length)
  readonly #ends = new Int32Array(RECORD_MEMBERS.length)

  /**
   * Reads the object that begins at `from`, and says where it ends. NO_VALUE: nothing is said of it,
   * and JSON.parse must be asked. Besides damage that is a name that is twice there, or that
   * CloudTrail does not write, deep nesting, and a record whose end is not among the bytes. Bytes
   * inside strings that are no UTF-8 are not noticed.
   */
  read(bytes: Buffer, from: number): number {
    this.#has = 0
    this.members = 0
    if (bytes[from] !== OPEN_BRACE) return NO_VALUE
    for (let at = from + 1; ; at++) {
      at = this.#member(bytes, skipSpace(bytes, at), from)
      if (at === NO_VALUE) return NO_VALUE
      if ((bytes[at] as number) <= SPACE) at = skipSpace(bytes, at)
      const byte = bytes[at] as number
      if (byte === CLOSE_BRACE) return at + 1
      if (byte !== COMMA) return NO_VALUE
    }
  }

  /** As JSON.parse gives it; undefined where it is absent. `record` is the text that was read. */
  value(record: Buffer, member: RecordMember): unknown {
    const number = numberOfMember(member)
    if ((this.#has & (1 << number)) === 0) return undefined
    const start = this.#starts[number] as number
    const end = this.#ends[number] as number
    if (isPlainText(record, start, end)) {
      if (UNIQUE.has(member) || end - start < 3)
        return record.toString('latin1', start + 1, end - 1)
      return textOf(record, start + 1, end - 1)
    }
    return JSON.parse(record.toString('utf8', start, end))
  }

  /** Behind the member whose name is at `at`. */
  #member(bytes: Buffer, at: number, from: number): number {
    if (bytes[at] !== QUOTE) return NO_VALUE
    const nameEnd = skipString(bytes, at)
    if (nameEnd === NO_VALUE) return NO_VALUE
    const number = numberOf(bytes, at + 1, nameEnd - 1)
    const bit = 1 << number
    if (number === -1 || (this.#has & bit) !== 0) return NO_VALUE
    const colon = bytes[nameEnd] === COLON ? nameEnd : skipSpace(bytes, nameEnd)
    if (bytes[colon] !== COLON) return NO_VALUE
    const start = skipSpace(bytes, colon + 1)
    const end = skipValue(bytes, start)
    this.#has |= bit
    this.members++
    this.#starts[number] = start - from
    this.#ends[number] = end - from
    return end
  }
}

const numberOfMember = (member: RecordMember): number => NUMBERS.get(member) ?? 0
