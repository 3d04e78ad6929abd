/** From the bytes of a record to an event, or to the reason why it is none (DESIGN.md §5). */
import { isUtf8 } from 'node:buffer'
import { isSpace } from '../../event/json-bytes.ts'
import { RecordOutline } from '../../event/record-outline.ts'
import type { EventCategory } from '../../event/sealed-event.ts'
import { withoutSpace } from './json/compact.ts'
import { ValueScanner } from './json/scan-value.ts'
import type { FactsOf } from './missing-facts.ts'
import { plainTimeOf } from './plain-time.ts'

export interface ImportedEvent {
  /** On one line. */
  readonly text: Buffer
  readonly eventId: string
  readonly account: string
  readonly region: string
  readonly category: EventCategory
  /** eventTime, of an aggregated record the window's start; epoch milliseconds. */
  readonly time: number
}

export interface RecordText {
  readonly bytes: Buffer
  /** Members of its text, repeated ones counted. */
  readonly members: number
  readonly spansLines: boolean
  /** Of `bytes`, where there is one: they need not be parsed. */
  readonly outline?: RecordOutline | undefined
}

/** Why the record is skipped. */
export interface RefusedRecord {
  readonly refused: string
  /** It looks like an event, so that the file is a log file. */
  readonly isEvent: boolean
}

/** `no-json`: it cannot even be read. */
export type ReadResult = ImportedEvent | RefusedRecord | 'no-json'

export type ReadEvent = (record: RecordText) => ReadResult

type JsonObject = Readonly<Record<string, unknown>>

const EVENT_ID_LENGTH_MAX = 256
const ACCOUNT = /^\d{12}$/
/**
 * A region is any string that looks like one. Scrambled logs have a letter behind the number; the
 * name becomes a part of keys and file names, so that nothing else is taken.
 */
const REGION = /^[a-z]{2,}(-[a-z0-9]+)+-\d{1,2}[a-z]?$/
const REGION_LENGTH_MAX = 40
const isRegion = (name: string): boolean => name.length <= REGION_LENGTH_MAX && REGION.test(name)

/** As the event history reads it: a time without a zone cannot be placed. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/
/** AWS's pages show both forms, in UTC (reference/formats.md §1.12). */
const WINDOW_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?$/

const CATEGORIES: ReadonlySet<unknown> = new Set<EventCategory>([
  'Management',
  'Data',
  'NetworkActivity',
  'Insight',
  'Aggregated',
])

const BY_TYPE: Readonly<Record<string, EventCategory>> = {
  AwsCloudTrailInsight: 'Insight',
  AwsVpceEvent: 'NetworkActivity',
  AwsVpceEvents: 'NetworkActivity',
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refuse = (refused: string, isEvent = true): RefusedRecord => ({ refused, isEvent })

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : typeof value
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

const timeOf = (value: unknown, form: RegExp): number | undefined => {
  if (typeof value !== 'string') return undefined
  const plain = form === TIME ? plainTimeOf(value) : undefined
  if (plain !== undefined) return plain
  if (!form.test(value)) return undefined
  const time = Date.parse(form === TIME ? value : `${value.slice(0, 10)}T${value.slice(11, 19)}Z`)
  return Number.isNaN(time) ? undefined : time
}

const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // The caller reports it by its place.
    return undefined
  }
}

/** The text of an event that LookupEvents gave out, as a record of its own. */
const unwrapped = (text: string): RecordText | undefined => {
  if (!text.isWellFormed()) return undefined
  const bytes = Buffer.from(text)
  const scanner = new ValueScanner()
  let start = 0
  while (isSpace(bytes[start])) start++
  scanner.begin(start)
  if (scanner.scan(bytes, { arrays: false, lines: false }) !== 'end') return undefined
  for (let at = scanner.at; at < bytes.length; at++) if (!isSpace(bytes[at])) return undefined
  const { members, spansLines } = scanner
  return { bytes: bytes.subarray(start, scanner.at), members, spansLines }
}

const accountOf = (record: JsonObject): unknown => {
  const recipient = record.recipientAccountId
  if (recipient !== undefined && recipient !== null) return recipient
  const identity = record.userIdentity
  return isObject(identity) ? identity.accountId : undefined
}

const categoryOf = (record: JsonObject, factsOf: FactsOf): EventCategory | undefined => {
  const { eventCategory, managementEvent, eventType } = record
  if (CATEGORIES.has(eventCategory)) return eventCategory as EventCategory
  if (eventCategory !== undefined && eventCategory !== null) return undefined
  const byType = typeof eventType === 'string' ? BY_TYPE[eventType] : undefined
  if (byType !== undefined) return byType
  if (managementEvent === true) return 'Management'
  if (managementEvent === false) return 'Data'
  return factsOf(record.eventSource, record.eventName).isData ? 'Data' : 'Management'
}

interface Core {
  readonly eventId: unknown
  readonly account: unknown
  readonly time: number | undefined
  readonly givenTime: unknown
  readonly category: EventCategory | undefined
}

/** Aggregated records have a schema of their own (reference/formats.md §1.12). */
const isAggregated = (record: JsonObject): boolean =>
  record.eventID === undefined &&
  (record.eventCategory === 'Aggregated' || record.eventType === 'AwsAggregatedEvent')

const coreOf = (record: JsonObject, factsOf: FactsOf): Core => {
  if (!isAggregated(record)) {
    const { eventID: eventId, eventTime: givenTime } = record
    const category = categoryOf(record, factsOf)
    return {
      eventId,
      account: accountOf(record),
      time: timeOf(givenTime, TIME),
      givenTime,
      category,
    }
  }
  const window = isObject(record.timeWindow) ? record.timeWindow : {}
  const givenTime = window.windowStart
  const time = timeOf(givenTime, WINDOW_TIME)
  const { eventId, accountId: account } = record
  return { eventId, account, time, givenTime, category: 'Aggregated' }
}

const checked = (record: JsonObject, core: Core): Omit<ImportedEvent, 'text'> | RefusedRecord => {
  const { eventId, account, time, category } = core
  const { awsRegion: region } = record
  if (typeof eventId !== 'string' || eventId === '') {
    return refuse('it has no eventID', core.givenTime !== undefined)
  }
  if (eventId.length > EVENT_ID_LENGTH_MAX || !eventId.isWellFormed()) {
    return refuse('its eventID is too long or no text')
  }
  if (time === undefined) {
    if (core.givenTime === undefined) return refuse('it has no eventTime')
    return refuse(`its eventTime ${shown(core.givenTime)} is no time with a zone`)
  }
  // The history counts its days from there.
  if (time < 0) return refuse(`its eventTime ${shown(core.givenTime)} is before 1970`)
  if (typeof account !== 'string' || !ACCOUNT.test(account)) {
    if (account === undefined) return refuse('it names no account')
    return refuse(`its account ${shown(account)} is no account id (12 digits)`)
  }
  if (typeof region !== 'string' || !isRegion(region)) {
    return refuse(`its awsRegion ${shown(region)} is no region`)
  }
  if (category === undefined) {
    return refuse(`its eventCategory ${shown(record.eventCategory)} is none of a trail's`)
  }
  return { eventId, account, region, category, time }
}

/** Of a record: what is asked of it in this file, and no more. */
const recordOf = (outline: RecordOutline, bytes: Buffer): JsonObject => {
  const eventID = outline.value(bytes, 'eventID')
  const eventCategory = outline.value(bytes, 'eventCategory')
  const recipientAccountId = outline.value(bytes, 'recipientAccountId')
  const record = {
    eventID,
    eventCategory,
    recipientAccountId,
    eventTime: outline.value(bytes, 'eventTime'),
    awsRegion: outline.value(bytes, 'awsRegion'),
  }
  const isTold = typeof eventID === 'string' && typeof eventCategory === 'string'
  if (isTold && typeof recipientAccountId === 'string') return record
  return {
    ...record,
    userIdentity: outline.value(bytes, 'userIdentity'),
    eventType: outline.value(bytes, 'eventType'),
    managementEvent: outline.value(bytes, 'managementEvent'),
    eventSource: outline.value(bytes, 'eventSource'),
    eventName: outline.value(bytes, 'eventName'),
  }
}

/** Of the text that `factsOfText` looks at; it is synchronous. */
const textOutline = new RecordOutline()

/** What a sealed text says of itself; undefined where it is no event that an import takes. */
export const factsOfText = (
  text: Buffer,
  factsOf: FactsOf,
): Omit<ImportedEvent, 'text'> | undefined => {
  if (!isUtf8(text)) return undefined
  const isOutlined = textOutline.read(text, 0) === text.length
  const record = isOutlined ? recordOf(textOutline, text) : parsed(text)
  if (!isObject(record)) return undefined
  const facts = checked(record, coreOf(record, factsOf))
  return 'refused' in facts ? undefined : facts
}

export const createReadEvent = (factsOf: FactsOf): ReadEvent => {
  const read = (given: RecordText, isInner: boolean): ReadResult => {
    const { bytes, members, spansLines, outline } = given
    const record = outline === undefined ? parsed(bytes) : recordOf(outline, bytes)
    if (record === undefined) return 'no-json'
    if (!isUtf8(bytes)) return refuse('it has bytes that are no UTF-8')
    if (!isObject(record)) return refuse('it is no object', false)
    const isOnce = outline !== undefined || Object.keys(record).length === members
    if (!isOnce) return refuse('it names one of its members twice')
    if (typeof record.CloudTrailEvent === 'string' && !isInner) {
      const inner = unwrapped(record.CloudTrailEvent)
      const result = inner === undefined ? 'no-json' : read(inner, true)
      return result === 'no-json' ? refuse('its CloudTrailEvent is no JSON object') : result
    }
    const facts = checked(record, coreOf(record, factsOf))
    if ('refused' in facts) return facts
    const { eventId, account, region, category, time } = facts
    const text = spansLines ? withoutSpace(bytes) : bytes
    return {
      text,
      eventId,
      account,
      region,
      category,
      time,
    }
  }
  return (record) => read(record, false)
}
