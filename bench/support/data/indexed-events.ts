/** Events of an NDJSON file with the attributes that LookupEvents knows them by. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { lookupAttributesOf } from '../../../src/history/attributes.ts'
import { isObject, objectAt, textAt } from '../../../src/history/json.ts'

export const ATTRIBUTES = [
  'EventId',
  'EventName',
  'EventSource',
  'ReadOnly',
  'Username',
  'AccessKeyId',
  'ResourceName',
  'ResourceType',
] as const
export type Attribute = (typeof ATTRIBUTES)[number]

export interface IndexedEvent {
  readonly text: string
  readonly time: string
  readonly account: string
  readonly region: string
  readonly isManagement: boolean
  readonly values: Readonly<Record<Attribute, readonly string[]>>
}

const listed = (value: string | undefined): string[] => (value === undefined ? [] : [value])

const indexed = (text: string): IndexedEvent | undefined => {
  const record: unknown = JSON.parse(text)
  if (!isObject(record)) return undefined
  const account =
    textAt(record, 'recipientAccountId') ?? textAt(objectAt(record, 'userIdentity'), 'accountId')
  const time = textAt(record, 'eventTime')
  const id = textAt(record, 'eventID')
  if (account === undefined || time === undefined || id === undefined) return undefined
  const own = lookupAttributesOf(record)
  return {
    ...{ text, time, account },
    region: textAt(record, 'awsRegion') ?? '',
    isManagement: record.eventCategory === 'Management',
    values: {
      EventId: [id],
      EventName: listed(own.eventName),
      EventSource: listed(own.eventSource),
      ReadOnly: listed(own.readOnly),
      Username: listed(own.username),
      AccessKeyId: listed(own.accessKeyId),
      ResourceName: own.resources.flatMap(({ ResourceName }) => ResourceName ?? []),
      ResourceType: own.resources.flatMap(({ ResourceType }) => ResourceType ?? []),
    },
  }
}

/** What has no eventID, time or account is left out, as the import does. */
export async function* readEvents(file: string): AsyncGenerator<IndexedEvent> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const event = line === '' ? undefined : indexed(line)
    if (event !== undefined) yield event
  }
}
