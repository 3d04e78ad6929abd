/** Events as lines for people, as CSV and as JSON. */
import { styleText } from 'node:util'
import { lookupAttributesOf } from '../../history/attributes.ts'
import { type JsonObject, objectAt, textAt } from '../../history/json.ts'

/** What the formats read: the event's own bytes and its parsed record. */
export interface ShownEvent {
  readonly text: Buffer
  readonly record: JsonObject
}

const LINE_FEED = Buffer.from('\n')

/** The event's own bytes on a line: NDJSON. */
export const jsonLine = ({ text }: ShownEvent): Buffer => Buffer.concat([text, LINE_FEED])

/**
 * Callers choose much of an event's text. What steers a terminal (controls, escape sequences, changes
 * of writing direction) is shown as a replacement character.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const visible = (text: string): string => text.replace(STEERING, '\ufffd')

const callerOf = (record: JsonObject, username: string | undefined): string => {
  const identity = objectAt(record, 'userIdentity')
  return username ?? textAt(identity, 'invokedBy') ?? textAt(identity, 'type') ?? '-'
}

/** `s3:CreateBucket`; the service without its domain. */
const callOf = (source: string | undefined, name: string | undefined): string =>
  `${source?.replace(/\.amazonaws\.com$/, '') ?? '-'}:${name ?? '-'}`

interface Facts {
  readonly time: string
  readonly account: string
  readonly region: string
  readonly caller: string
  readonly call: string
  readonly error: string
  readonly resource: string
}

const factsOf = ({ record }: ShownEvent): Facts => {
  const { eventSource, eventName, username, resources } = lookupAttributesOf(record)
  const more = resources.length > 1 ? ` +${resources.length - 1}` : ''
  const resource = resources[0] === undefined ? '' : `${resources[0].ResourceName}${more}`
  const facts = {
    time: textAt(record, 'eventTime') ?? '-',
    account: textAt(record, 'recipientAccountId') ?? '-',
    region: textAt(record, 'awsRegion') ?? '-',
    caller: callerOf(record, username),
    call: callOf(eventSource, eventName),
    error: textAt(record, 'errorCode') ?? '',
    resource,
  }
  for (const [key, value] of Object.entries(facts)) facts[key as keyof Facts] = visible(value)
  return facts
}

/** One event on one line: time, account, region, caller, call, error, resource. */
export const readableLine = (event: ShownEvent, colours: boolean): string => {
  const { time, account, region, caller, call, error, resource } = factsOf(event)
  const paint = (style: 'dim' | 'cyan' | 'red' | 'bold', text: string): string =>
    colours && text !== '' ? styleText(style, text, { validateStream: false }) : text
  const isWrite = event.record.readOnly === false
  const parts = [
    paint('dim', time),
    account,
    region.padEnd(14),
    paint('cyan', caller.padEnd(20)),
    isWrite ? paint('bold', call) : call,
    paint('red', error),
    resource,
  ]
  return `${parts.filter((part) => part !== '').join('  ')}\n`
}

export const TABLE_HEADER = `${[
  'TIME'.padEnd(20),
  'ACCOUNT'.padEnd(12),
  'REGION'.padEnd(14),
  'USER'.padEnd(24),
  'EVENT'.padEnd(36),
  'ERROR'.padEnd(20),
  'RESOURCE',
].join('  ')}\n`

export const tableRow = (event: ShownEvent): string => {
  const { time, account, region, caller, call, error, resource } = factsOf(event)
  const cells = [
    time.padEnd(20),
    account.padEnd(12),
    region.padEnd(14),
    caller.padEnd(24),
    call.padEnd(36),
    error.padEnd(20),
    resource,
  ]
  return `${cells.join('  ').trimEnd()}\n`
}

const CSV_COLUMNS: readonly (readonly [string, (event: ShownEvent) => string | undefined])[] = [
  ['eventTime', ({ record }) => textAt(record, 'eventTime')],
  ['recipientAccountId', ({ record }) => textAt(record, 'recipientAccountId')],
  ['awsRegion', ({ record }) => textAt(record, 'awsRegion')],
  ['eventSource', ({ record }) => lookupAttributesOf(record).eventSource],
  ['eventName', ({ record }) => lookupAttributesOf(record).eventName],
  ['readOnly', ({ record }) => lookupAttributesOf(record).readOnly],
  ['username', ({ record }) => lookupAttributesOf(record).username],
  ['userType', ({ record }) => textAt(objectAt(record, 'userIdentity'), 'type')],
  ['userArn', ({ record }) => textAt(objectAt(record, 'userIdentity'), 'arn')],
  ['accessKeyId', ({ record }) => lookupAttributesOf(record).accessKeyId],
  ['sourceIPAddress', ({ record }) => textAt(record, 'sourceIPAddress')],
  ['userAgent', ({ record }) => textAt(record, 'userAgent')],
  ['errorCode', ({ record }) => textAt(record, 'errorCode')],
  ['errorMessage', ({ record }) => textAt(record, 'errorMessage')],
  ['resources', ({ record }) => resourcesCell(record)],
  ['requestID', ({ record }) => textAt(record, 'requestID')],
  ['eventID', ({ record }) => textAt(record, 'eventID')],
  ['eventType', ({ record }) => textAt(record, 'eventType')],
]

const resourcesCell = (record: JsonObject): string =>
  lookupAttributesOf(record)
    .resources.map(({ ResourceType, ResourceName }) =>
      `${ResourceType ?? ''} ${ResourceName}`.trim(),
    )
    .join('; ')

/** Controls but tab, return and line feed: nothing to read, and they steer a terminal. */
const CSV_STEERING = /(?![\t\r\n])\p{Cc}/gu

/**
 * A field by RFC 4180. A spreadsheet takes what begins with one of `= + - @` (full-width ones too),
 * tab, return or line feed for a formula, and an event's text is its caller's: such a field begins
 * with an apostrophe (OWASP, "CSV Injection").
 */
export const csvField = (value: string): string => {
  const calm = value.replace(CSV_STEERING, '\ufffd')
  const safe = /^[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/.test(calm) ? `'${calm}` : calm
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const csvLine = (fields: readonly string[]): string => `${fields.map(csvField).join(',')}\r\n`

export const CSV_HEADER = csvLine(CSV_COLUMNS.map(([name]) => name))

export const csvRow = (event: ShownEvent): string =>
  csvLine(CSV_COLUMNS.map(([, read]) => read(event) ?? ''))
