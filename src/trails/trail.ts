/** A trail as it is stored: document `trails/<account>` holds all trails of one account. */

import type { TrailSelectors } from '../event/selectors/types.ts'

export type { TrailSelectors } from '../event/selectors/types.ts'

export interface Trail {
  readonly name: string
  readonly arn: string
  readonly account: string
  readonly homeRegion: string
  readonly s3BucketName: string
  /** Without a trailing slash. */
  readonly s3KeyPrefix?: string
  readonly includeGlobalServiceEvents: boolean
  readonly isMultiRegionTrail: boolean
  readonly logFileValidationEnabled: boolean
  readonly selectors: TrailSelectors
  readonly hasCustomEventSelectors: boolean
  readonly isLogging: boolean
  /** Epoch milliseconds, as all times here. */
  readonly startLoggingTime?: number
  readonly stopLoggingTime?: number
  readonly createdAt: number
  /** Distinguishes a trail from a later one of the same name: a UUID. */
  readonly incarnation: string
  /** Counts the changes of this trail from 1. */
  readonly revision: number
  readonly tags: readonly { readonly Key: string; readonly Value?: string }[]
}

/** Document `trails/<account>`. */
export interface AccountTrails {
  /** By trail ARN. */
  readonly trails: Readonly<Record<string, Trail>>
  /** Committed with the change, removed once it is durable in every shard: `trail-store.ts`. */
  readonly unannounced?: readonly UnannouncedChange[]
}

/** A change on its way into the journal; a trail that still exists is announced as it is then. */
export type UnannouncedChange =
  | { readonly kind: 'put'; readonly arn: string; readonly eventId: string }
  | { readonly kind: 'delete'; readonly trail: Trail; readonly eventId: string }

/**
 * Payload of the control frame with topic `trail`. It carries the whole trail, so that the delivery
 * consumer needs nothing but the journal to know what held at each place of the order. A change is
 * announced again at every start: consumers ignore a (incarnation, revision) that they have seen.
 * A deletion counts one revision more than the trail's last.
 */
export interface TrailChange {
  readonly kind: 'put' | 'delete'
  readonly trail: Trail
  /**
   * The eventID of the call that made the change; '' where a start announces a trail as it is. When
   * the change ends logging, that call's own event is the last one the trail delivers (an
   * attacker's StopLogging must be in the logs).
   */
  readonly eventId: string
}
