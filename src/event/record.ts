/**
 * The one place that writes a record. Its text is sealed here: every later stage carries these
 * bytes (DESIGN.md §1, promise 1; reference/formats.md §1.1 and §1.2).
 */
import { isoSeconds } from '../platform/clock.ts'
import { uuid } from '../platform/ids.ts'
import { type JsonObject, jsonText } from './plain-json.ts'
import type { EventCategory, EventOrigin, SealedEvent } from './sealed-event.ts'
import {
  ADDITIONAL_BYTES_MAX,
  CONTENT_BYTES_MAX,
  cutText,
  omissionMarker,
  RECORD_BYTES_MAX,
} from './size-caps.ts'

/** Of every record that Clew writes: readers compare the parts as integers. */
export const EVENT_VERSION = '1.11'

export type EventType =
  | 'AwsApiCall'
  | 'AwsServiceEvent'
  | 'AwsConsoleAction'
  | 'AwsConsoleSignIn'
  | 'AwsVpceEvent'
  | 'AwsCloudTrailInsight'

/** Which resource a call touched. `ARN` is upper case in records; lists of S3 have `ARNPrefix`. */
export interface RecordResource {
  readonly accountId?: string
  readonly type?: string
  readonly ARN?: string
  readonly ARNPrefix?: string
}

/** The fields of a record. An absent member is absent in the text; null is written as null. */
export interface RecordFields {
  /** `userIdentityOf(caller)`, or `{ type: 'AWSService', invokedBy }` for Clew's own deliveries. */
  readonly userIdentity: JsonObject | null
  /** Epoch milliseconds: when the call was complete. */
  readonly eventTime: number
  readonly eventSource: string
  readonly eventName: string
  readonly awsRegion: string
  /** An IP address, or the DNS name of the service that made the call. */
  readonly sourceIPAddress: string
  readonly userAgent?: string | undefined
  readonly errorCode?: string | undefined
  readonly errorMessage?: string | undefined
  readonly requestParameters: JsonObject | null
  readonly responseElements: JsonObject | null
  readonly additionalEventData?: JsonObject | undefined
  readonly requestID?: string | undefined
  /** Lower-case UUID. */
  readonly eventID: string
  readonly readOnly?: boolean | undefined
  readonly resources?: readonly RecordResource[] | undefined
  readonly eventType: EventType
  readonly apiVersion?: string | undefined
  readonly managementEvent?: boolean | undefined
  /** 12 digits: the account whose event this is. */
  readonly recipientAccountId: string
  readonly sharedEventID?: string | undefined
  readonly vpcEndpointId?: string | undefined
  readonly vpcEndpointAccountId?: string | undefined
  readonly serviceEventDetails?: JsonObject | undefined
  readonly addendum?: JsonObject | undefined
  readonly edgeDeviceDetails?: JsonObject | undefined
  readonly insightDetails?: JsonObject | undefined
  readonly eventCategory: EventCategory
  readonly tlsDetails?: JsonObject | undefined
  readonly sessionCredentialFromConsole?: 'true' | undefined
}

/** Names of the fields in the order of native log files (reference/formats.md §1.1). */
const ORDER = [
  'userIdentity',
  'eventTime',
  'eventSource',
  'eventName',
  'awsRegion',
  'sourceIPAddress',
  'userAgent',
  'errorCode',
  'errorMessage',
  'requestParameters',
  'responseElements',
  'additionalEventData',
  'requestID',
  'eventID',
  'readOnly',
  'resources',
  'eventType',
  'apiVersion',
  'managementEvent',
  'recipientAccountId',
  'sharedEventID',
  'vpcEndpointId',
  'vpcEndpointAccountId',
  'serviceEventDetails',
  'addendum',
  'edgeDeviceDetails',
  'insightDetails',
  'eventCategory',
  'tlsDetails',
  'sessionCredentialFromConsole',
] as const satisfies readonly (keyof RecordFields)[]

type Name = (typeof ORDER)[number]

const BYTES_MAX: Partial<Record<Name, number>> = {
  requestParameters: CONTENT_BYTES_MAX,
  responseElements: CONTENT_BYTES_MAX,
  serviceEventDetails: CONTENT_BYTES_MAX,
  additionalEventData: ADDITIONAL_BYTES_MAX,
  edgeDeviceDetails: ADDITIONAL_BYTES_MAX,
}

/** What goes first while the whole is too large: the order of AWS's 1 MB rule. */
const OMITTED_FIRST: readonly Name[] = [
  'additionalEventData',
  'serviceEventDetails',
  'responseElements',
  'requestParameters',
  'resources',
  'edgeDeviceDetails',
  'insightDetails',
  'addendum',
  'tlsDetails',
  'userIdentity',
]

/** A field this short is never worth omitting; characters. */
const TEXT_KEPT = 256

const longerThan = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && Buffer.byteLength(text) > bytes

/** Eight thousand years each way is what a Date can hold; anything else becomes the epoch. */
const timeText = (ms: number): string => {
  const at = Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? ms : 0
  return isoSeconds(at)
}

const fieldText = (name: Name, value: unknown): string | undefined => {
  if (name === 'eventTime') return jsonText(timeText(Number(value)))
  if (typeof value === 'string') return jsonText(cutText(value))
  const text = jsonText(value)
  const bytesMax = BYTES_MAX[name]
  if (text === undefined || bytesMax === undefined || !longerThan(text, bytesMax)) return text
  return omissionMarker(name, Buffer.byteLength(text))
}

const joined = (texts: ReadonlyMap<Name, string>): string => {
  let text = `{"eventVersion":"${EVENT_VERSION}"`
  for (const [name, value] of texts) text += `,"${name}":${value}`
  return `${text}}`
}

/** Fields that must be an array, or null, cannot carry a marker: they go. */
const withoutHeaviest = (texts: Map<Name, string>): boolean => {
  for (const name of OMITTED_FIRST) {
    const text = texts.get(name)
    if (text === undefined || text.length <= TEXT_KEPT) continue
    if (name === 'resources') texts.delete(name)
    else texts.set(name, omissionMarker(name, Buffer.byteLength(text)))
    return true
  }
  return false
}

/**
 * The record as one line of compact JSON with the members that later stages route by. Never throws:
 * what cannot be written is left out or marked, so that the event itself is not lost.
 */
export const sealRecord = (fields: RecordFields, origin: EventOrigin): SealedEvent => {
  const eventId = fields.eventID === '' ? uuid() : fields.eventID
  const texts = new Map<Name, string>()
  for (const name of ORDER) {
    const text = fieldText(name, name === 'eventID' ? eventId : fields[name])
    if (text !== undefined) texts.set(name, text)
  }
  let text = joined(texts)
  while (longerThan(text, RECORD_BYTES_MAX) && withoutHeaviest(texts)) text = joined(texts)
  return {
    text: Buffer.from(text),
    eventId,
    account: fields.recipientAccountId,
    region: fields.awsRegion,
    category: fields.eventCategory,
    origin,
  }
}
