import type { Sequence, Shard } from '../journal.ts'

/** Intents whose event has not come yet; beyond it new management writes are refused. */
export const INTENTS_OPEN_MAX = 100_000

/**
 * Knows, in the process that appends, from where on a shard holds intents without an outcome. An
 * intent and its event have the same account and region, and so the same shard.
 */
export interface IntentTracker {
  /** Intents without an outcome, over all shards. */
  readonly open: number
  opened(shard: Shard, sequence: Sequence, eventIds: readonly string[]): void
  /** Their events are durable in the journal. */
  resolved(eventIds: readonly string[]): void
  /** Everything of this process up to `sequence` has been told; nothing below it is under way. */
  reached(shard: Shard, sequence: Sequence): void
  /** No frame below it holds an unresolved intent: recovery scans, and truncation spares, from here. */
  lowestUnresolved(shard: Shard): Sequence
}

interface OpenIntent {
  readonly shard: Shard
  readonly sequence: Sequence
}

export const createIntentTracker = (): IntentTracker => {
  const open = new Map<string, OpenIntent>()
  const reached = new Map<Shard, Sequence>()
  return {
    get open() {
      return open.size
    },
    opened: (shard, sequence, eventIds) => {
      for (const eventId of eventIds) open.set(eventId, { shard, sequence })
    },
    resolved: (eventIds) => {
      for (const eventId of eventIds) open.delete(eventId)
    },
    reached: (shard, sequence) => {
      reached.set(shard, Math.max(sequence, reached.get(shard) ?? 0))
    },
    lowestUnresolved: (shard) => {
      let lowest = (reached.get(shard) ?? 0) + 1
      for (const intent of open.values()) {
        if (intent.shard === shard) lowest = Math.min(lowest, intent.sequence)
      }
      return lowest
    },
  }
}
