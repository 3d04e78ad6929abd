/** The filters that `clew events` and `clew tail` share: their flags, and whether an event fits. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../config/quantities.ts'
import { hasAttribute, type LookupAttributes, lookupAttributesOf } from '../history/attributes.ts'
import { parseEventTime } from '../history/event-time.ts'
import type { LookupAttributeKey } from '../history/history.ts'
import { type JsonObject, textAt } from '../history/json.ts'

export interface EventFilter {
  readonly account?: string
  readonly region?: string
  readonly attributes: readonly { readonly key: LookupAttributeKey; readonly value: string }[]
  /** An error code, or true for any. */
  readonly error?: string | true
  readonly ip?: string
  /** Somewhere in the event's text. */
  readonly text?: string
  /** Epoch milliseconds, inclusive. */
  readonly from: number
  readonly to: number
}

/** What the filter reads of an event beside its parsed record. */
export interface FilteredEvent {
  readonly eventId: string
  readonly account: string
  readonly region: string
  readonly text: Buffer
}

/** A date, or a date and time, UTC unless it names an offset. */
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/

/** `2026-03-02`, `2026-03-02T08:00Z`, or `1h`, `2d` before `now`; epoch milliseconds. */
export const parseMoment = (text: string, now: number): number => {
  const duration = parseDuration(text)
  if (duration !== undefined) return now - duration
  const [, day, time = '00:00', zone = 'Z'] = MOMENT.exec(text) ?? []
  const moment = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`)
  if (!Number.isNaN(moment)) return moment
  throw new InvalidArgumentError('Give a time such as 2026-03-02T08:00Z, 2026-03-02, 1h or 2d.')
}

const readOnly = (text: string): string => {
  if (text === 'true' || text === 'false') return text
  throw new InvalidArgumentError('Give true or false.')
}

/** Flag, attribute of the history, and what the help says. */
const ATTRIBUTE_FLAGS: readonly (readonly [string, LookupAttributeKey, string])[] = [
  ['event-name', 'EventName', 'operation, for example CreateBucket'],
  ['event-source', 'EventSource', 'service, for example s3 or s3.amazonaws.com'],
  ['user', 'Username', 'user or role session name'],
  ['access-key', 'AccessKeyId', 'access key id'],
  ['event-id', 'EventId', 'event id'],
  ['resource-name', 'ResourceName', 'name or ARN of a resource'],
  ['resource-type', 'ResourceType', 'type of a resource, for example AWS::S3::Bucket'],
]

const camelCase = (flag: string): string =>
  flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** Adds the flags. `now`: epoch milliseconds, what relative times count from. */
export const withFilters = (command: Command, now: () => number): Command => {
  const moment = (text: string): number => parseMoment(text, now())
  command.option('--account <id>', 'account').option('--region <name>', 'region')
  for (const [flag, , about] of ATTRIBUTE_FLAGS) command.option(`--${flag} <value>`, about)
  return command
    .addOption(new Option('--read-only <bool>', 'true: reads, false: writes').argParser(readOnly))
    .option('--error [code]', 'failed calls, with this error code or any')
    .option('--ip <address>', 'source IP address')
    .option('--text <text>', 'text anywhere in the event')
    .addOption(new Option('--since <time>', 'from this time on; 1h, 2d or ISO').argParser(moment))
    .addOption(new Option('--until <time>', 'up to this time; 1h, 2d or ISO').argParser(moment))
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** The filter that a command's parsed flags ask for. */
export const filterOf = (options: Readonly<Record<string, unknown>>): EventFilter => {
  const attributes: { key: LookupAttributeKey; value: string }[] = []
  const add = (key: LookupAttributeKey, value: string | undefined): void => {
    if (value !== undefined) attributes.push({ key, value })
  }
  for (const [flag, key] of ATTRIBUTE_FLAGS) {
    const value = textOf(options[camelCase(flag)])
    const isShort = key === 'EventSource' && value !== undefined && !value.includes('.')
    add(key, isShort ? `${value}.amazonaws.com` : value)
  }
  add('ReadOnly', textOf(options.readOnly))
  const { since, until } = options
  const optional = { account: textOf(options.account), region: textOf(options.region) }
  const error = options.error === true ? true : textOf(options.error)
  const more = { ...optional, error, ip: textOf(options.ip), text: textOf(options.text) }
  return {
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    attributes,
    from: typeof since === 'number' ? since : 0,
    to: typeof until === 'number' ? until : Number.MAX_SAFE_INTEGER,
  }
}

/** What no index answers: error, address and text. */
export const matchesRest = (filter: EventFilter, record: JsonObject, text: Buffer): boolean => {
  const { error, ip, text: wanted } = filter
  if (error !== undefined) {
    const code = textAt(record, 'errorCode')
    if (code === undefined || (error !== true && code !== error)) return false
  }
  if (ip !== undefined && record.sourceIPAddress !== ip) return false
  return wanted === undefined || text.includes(wanted)
}

const hasAll = (filter: EventFilter, attributes: LookupAttributes, eventId: string): boolean =>
  filter.attributes.every(({ key, value }) => hasAttribute(attributes, eventId, key, value))

/** The whole filter, for events that come from no index. */
export const matches = (filter: EventFilter, event: FilteredEvent, record: JsonObject): boolean => {
  if (filter.account !== undefined && filter.account !== event.account) return false
  if (filter.region !== undefined && filter.region !== event.region) return false
  const time = parseEventTime(record.eventTime)
  if (time !== undefined && (time < filter.from || time > filter.to)) return false
  if (!matchesRest(filter, record, event.text)) return false
  return filter.attributes.length === 0 || hasAll(filter, lookupAttributesOf(record), event.eventId)
}
