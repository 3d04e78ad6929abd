/**
 * The attributes of LookupEvents, derived from a record (reference/formats.md §7). Pure. What
 * changes an answer here MUST raise INDEX_VERSION (partition/index-schema.ts), because indexes on
 * disk were made with the rules of their time.
 */
import type { LookupAttributeKey } from './history.ts'
import { isObject, type JsonObject, objectAt, textAt } from './json.ts'
import { type LookupResource, lookupResourcesOf } from './resources/lookup-resources.ts'

/** `undefined` where the record does not tell. */
export interface LookupAttributes {
  readonly eventName: string | undefined
  readonly eventSource: string | undefined
  readonly readOnly: 'true' | 'false' | undefined
  readonly accessKeyId: string | undefined
  readonly username: string | undefined
  readonly resources: readonly LookupResource[]
}

/**
 * The role session name of an assumed role: behind the last slash of the ARN, else behind the first
 * colon of the principalId.
 */
const sessionNameOf = (identity: JsonObject): string | undefined => {
  const arn = textAt(identity, 'arn')
  if (arn?.includes('/')) return arn.slice(arn.lastIndexOf('/') + 1)
  const principal = textAt(identity, 'principalId')
  return principal?.includes(':') ? principal.slice(principal.indexOf(':') + 1) : undefined
}

/** Root → `root`; a role session → its name, though the API's text says role name (§7). */
const usernameOf = (identity: JsonObject): string | undefined => {
  switch (identity.type) {
    case 'Root':
      return 'root'
    case 'AssumedRole':
    case 'FederatedUser':
      return sessionNameOf(identity)
    case 'AWSService':
    case 'AWSAccount':
      return undefined
    default:
      return textAt(identity, 'userName')
  }
}

const readOnlyOf = (value: unknown): 'true' | 'false' | undefined => {
  if (value === true || value === 'true') return 'true'
  return value === false || value === 'false' ? 'false' : undefined
}

/** An Insights record names the API that it is about in `insightDetails` (formats.md §2.1). */
const insightAttributes = (details: JsonObject): LookupAttributes => ({
  eventName: textAt(details, 'eventName'),
  eventSource: textAt(details, 'eventSource'),
  readOnly: undefined,
  accessKeyId: undefined,
  username: undefined,
  resources: [],
})

export const lookupAttributesOf = (record: JsonObject): LookupAttributes => {
  if (isObject(record.insightDetails)) return insightAttributes(record.insightDetails)
  const identity = objectAt(record, 'userIdentity')
  return {
    eventName: textAt(record, 'eventName'),
    eventSource: textAt(record, 'eventSource'),
    readOnly: readOnlyOf(record.readOnly),
    accessKeyId: textAt(identity, 'accessKeyId'),
    username: usernameOf(identity),
    resources: lookupResourcesOf(record),
  }
}

/** Every (attribute, value) of an event, each once; `eventId` is the sealed event's. */
export const attributePairs = (
  attributes: LookupAttributes,
  eventId: string,
): [LookupAttributeKey, string][] => {
  const pairs: [LookupAttributeKey, string][] = [['EventId', eventId]]
  const add = (key: LookupAttributeKey, value: string | undefined): void => {
    if (value !== undefined) pairs.push([key, value])
  }
  add('EventName', attributes.eventName)
  add('EventSource', attributes.eventSource)
  add('ReadOnly', attributes.readOnly)
  add('AccessKeyId', attributes.accessKeyId)
  add('Username', attributes.username)
  const { resources } = attributes
  if (resources.length === 0) return pairs
  for (const type of new Set(resources.map((each) => each.ResourceType))) add('ResourceType', type)
  for (const name of new Set(resources.map((each) => each.ResourceName))) add('ResourceName', name)
  return pairs
}

/** Whether an event has the value: exact and case-sensitive, as AWS matches. */
export const hasAttribute = (
  attributes: LookupAttributes,
  eventId: string,
  key: LookupAttributeKey,
  value: string,
): boolean =>
  attributePairs(attributes, eventId).some(([has, other]) => has === key && other === value)
