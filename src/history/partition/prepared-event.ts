import type { AttributeHashes } from '../attribute-hashes.ts'
import { lookupAttributesOf } from '../attributes.ts'
import { parseEventTime } from '../event-time.ts'
import { parseRecord } from '../json.ts'
import type { IndexEntry } from '../key-index/day-index.ts'
import type { StoredEvent } from './block-codec.ts'
import { dayOf } from './layout.ts'

/** An event with what the index needs of it. */
export interface PreparedEvent {
  readonly event: StoredEvent
  readonly entry: IndexEntry
  readonly day: string
}

/** Parses the text, once. Undefined when its eventTime cannot be placed. */
export const prepareEvent = (
  event: StoredEvent,
  hashes: AttributeHashes,
): PreparedEvent | undefined => {
  const record = parseRecord(event.text)
  const time = parseEventTime(record?.eventTime)
  const day = time === undefined ? undefined : dayOf(time)
  if (record === undefined || time === undefined || day === undefined) return
  const { shard, sequence, index, account, region, category, eventId } = event
  const idKey = hashes.key(category, 'EventId', eventId)
  const keys = hashes.keysOf(category, idKey, lookupAttributesOf(record))
  const scope = hashes.scope(account, region)
  return {
    event,
    day,
    entry: { shard, sequence, index, account, region, scope, time, keys, idKey },
  }
}
