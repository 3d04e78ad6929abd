import type { OperationOutput } from '../../contract/operation.ts'
import { lookupAttributesOf } from '../attributes.ts'
import { parseEventTime } from '../event-time.ts'
import type { HistoryEvent } from '../history.ts'
import { parseRecord, textAt } from '../json.ts'

type LookupEvent = NonNullable<OperationOutput<'LookupEvents'>['Events']>[number]

/**
 * An event as LookupEvents shows it (reference/formats.md §7). What is unknown is left out;
 * CloudTrailEvent is the event's own text, never made again from what was parsed.
 */
export const lookupEventOf = (event: HistoryEvent): LookupEvent => {
  const record = parseRecord(event.text) ?? {}
  const { eventName, readOnly, accessKeyId, eventSource, username, resources } =
    lookupAttributesOf(record)
  const time = parseEventTime(record.eventTime) ?? event.position.time
  const members: LookupEvent = {
    EventId: textAt(record, 'eventID'),
    EventName: eventName,
    ReadOnly: readOnly,
    AccessKeyId: accessKeyId,
    EventTime: Math.floor(time / 1000),
    EventSource: eventSource,
    Username: username,
    Resources: resources,
    CloudTrailEvent: event.text.toString('utf8'),
  }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
