/**
 * The 90-day event history: newest-first look-ups by any attribute, in milliseconds
 * (docs/formats/history.md). The writer process fills it (`consumer.ts`), any process reads it.
 */
import type { Sequence, Shard } from '../journal/journal.ts'

/** The attributes of LookupEvents (reference/formats.md §7). */
export type LookupAttributeKey =
  | 'EventId'
  | 'EventName'
  | 'ReadOnly'
  | 'Username'
  | 'ResourceType'
  | 'ResourceName'
  | 'EventSource'
  | 'AccessKeyId'

export interface HistoryQuery {
  /** Absent: every account, every region (console, `clew events`). */
  readonly account?: string
  readonly region?: string
  readonly category: 'Management' | 'Insight'
  /** All must hold. LookupEvents gives at most one; `clew events` any number. */
  readonly attributes: readonly { readonly key: LookupAttributeKey; readonly value: string }[]
  /** Epoch milliseconds, both inclusive. */
  readonly from: number
  readonly to: number
  readonly limit: number
  /** Continue after this event of an earlier answer to the same query. */
  readonly after?: HistoryPosition
}

/** The place of an event in newest-first order; those of one moment are in the order they arrived. */
export interface HistoryPosition {
  readonly time: number
  readonly shard: Shard
  readonly sequence: Sequence
  readonly index: number
}

export interface HistoryEvent {
  readonly position: HistoryPosition
  /** The event's own bytes. */
  readonly text: Buffer
}

export interface History {
  /** Newest first. `next` is present when more may follow. */
  search(query: HistoryQuery): Promise<{ events: HistoryEvent[]; next?: HistoryPosition }>
  close(): Promise<void>
}
