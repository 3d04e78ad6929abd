/** A trail as it is stored: document `trails/<account>` holds all trails of one account. */

/** As in the API (reference/control-plane.md §B.1), defaults filled in. */
export interface EventSelector {
  readonly ReadWriteType: 'All' | 'ReadOnly' | 'WriteOnly'
  readonly IncludeManagementEvents: boolean
  readonly DataResources: readonly { readonly Type: string; readonly Values: readonly string[] }[]
  readonly ExcludeManagementEventSources: readonly string[]
}

export interface AdvancedFieldSelector {
  readonly Field: string
  readonly Equals?: readonly string[]
  readonly StartsWith?: readonly string[]
  readonly EndsWith?: readonly string[]
  readonly NotEquals?: readonly string[]
  readonly NotStartsWith?: readonly string[]
  readonly NotEndsWith?: readonly string[]
}

export interface AdvancedEventSelector {
  readonly Name?: string
  readonly FieldSelectors: readonly AdvancedFieldSelector[]
}

/** Exactly one of the two lists. */
export type TrailSelectors =
  | { readonly basic: readonly EventSelector[] }
  | { readonly advanced: readonly AdvancedEventSelector[] }

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
}

/**
 * Payload of the control frame with topic `trail`. It carries the whole trail, so that the delivery
 * consumer needs nothing but the journal to know what held at each place of the order. A change is
 * announced again at every start: consumers ignore a (incarnation, revision) that they have seen.
 */
export interface TrailChange {
  readonly kind: 'put' | 'delete'
  readonly trail: Trail
  /**
   * The eventID of the call that made the change. When the change ends logging, that call's own
   * event is the last one the trail delivers (an attacker's StopLogging must be in the logs).
   */
  readonly eventId: string
}
