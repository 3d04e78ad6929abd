/**
 * An event after capture: its text is sealed, every later stage carries these bytes. The other
 * members are read from the text once, so that nothing downstream has to parse it to route it.
 */

/** DESIGN.md §2, reference/formats.md §1.3. */
export type EventCategory = 'Management' | 'Data' | 'NetworkActivity' | 'Insight' | 'Aggregated'

/** Where an event came from: a call that was captured, Clew's own delivery for a trail, an import. */
export type EventOrigin =
  | { kind: 'capture' }
  | { kind: 'delivery'; trailArn: string }
  | { kind: 'import'; jobId: string; trailArn?: string }

export interface SealedEvent {
  /** The record as compact UTF-8 JSON on one line, without a line feed. MUST NOT be re-serialised. */
  readonly text: Buffer
  readonly eventId: string
  /** recipientAccountId: 12 digits. */
  readonly account: string
  readonly region: string
  readonly category: EventCategory
  readonly origin: EventOrigin
}
