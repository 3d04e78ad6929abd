/**
 * What a frame of the journal says. The bytes are made by `frame-codec.ts`
 * (docs/formats/journal.md).
 */
import type { EventCategory, SealedEvent } from '../event/sealed-event.ts'

/** Events that were captured at the same time. */
export interface EventsFrame {
  readonly kind: 'events'
  readonly events: readonly SealedEvent[]
}

/**
 * A management write that is about to be forwarded. If no event with this id follows, recovery
 * appends `text` with `additionalEventData.captureIncomplete` as the event.
 */
export interface Intent {
  readonly eventId: string
  readonly account: string
  readonly region: string
  readonly category: EventCategory
  /** The record as far as it is known before the answer: a complete event by itself. */
  readonly text: Buffer
}

export interface IntentsFrame {
  readonly kind: 'intents'
  readonly intents: readonly Intent[]
}

/** A change that consumers must see at one place in the order, for example of a trail. */
export interface ControlFrame {
  readonly kind: 'control'
  /** `trail` is the only topic of the first release. */
  readonly topic: string
  /** JSON text; its shape belongs to the topic's owner. */
  readonly payload: string
}

export type Frame = EventsFrame | IntentsFrame | ControlFrame
