import type { Frame } from './frame.ts'
import type { Sequence, Shard } from './journal.ts'

/** A decoded frame at its place. */
export interface Entry {
  readonly shard: Shard
  readonly sequence: Sequence
  readonly frame: Frame
}

/**
 * A follower of the journal. Delivery is at least once: after a restart entries come again from the
 * cursor on, so a consumer MUST be idempotent by (shard, sequence, index).
 *
 * The runner alone stores cursors, retries with bounded back-off, measures lag and stops.
 */
export interface Consumer {
  readonly name: string
  /** Called once per shard before the first `consume`, with the cursor that reading resumes after. */
  start(shard: Shard, cursor: Sequence): Promise<void>
  /**
   * Takes entries in order and returns the highest sequence that is now durable downstream. The
   * value MUST NOT run ahead of durability and never goes back; it may lag (an open window), and
   * then later calls or `tick` report it.
   */
  consume(shard: Shard, batch: readonly Entry[], signal: AbortSignal): Promise<Sequence>
  /** Called at least every `tickMs` of the runner, also when nothing arrives: windows close here. */
  tick(shard: Shard, signal: AbortSignal): Promise<Sequence>
  /** Makes everything taken so far durable: at `clew flush` and at a graceful stop. */
  flush(shard: Shard, signal: AbortSignal): Promise<Sequence>
  close(): Promise<void>
}
