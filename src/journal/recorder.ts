import type { SealedEvent } from '../event/sealed-event.ts'
import type { ControlFrame, Intent } from './frame.ts'

/**
 * What capture and the API write through: groups what arrives while a commit is under way into one
 * frame per shard, repeats appends of unknown outcome with the same id, falls back to the spool.
 */
export interface EventRecorder {
  /**
   * Durable when it resolves: in the journal, or in the spool while the journal cannot take it.
   * Rejects (JournalError) only when the spool fails or is full too: then the answer MUST NOT be
   * released as a success.
   */
  record(events: readonly SealedEvent[]): Promise<void>
  /**
   * Before a management write is forwarded. Rejects when the journal cannot take it: then nothing
   * MUST be forwarded (fail closed), unless the recorder was made with `failOpen`.
   */
  intend(intent: Intent): Promise<void>
  /** Into every shard; resolves when it is durable in all. */
  control(frame: ControlFrame, id: string): Promise<void>
  /** Waits for what is under way; afterwards every call rejects. */
  close(): Promise<void>
}
