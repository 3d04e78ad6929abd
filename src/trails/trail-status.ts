/**
 * Document `trail-status/<region>/<trail arn>`: written by the delivery consumer alone, read by
 * GetTrailStatus. Times in epoch milliseconds; an error is present only while the last attempt
 * failed, and is the store's code (`AccessDenied`, `NoSuchBucket`).
 */
export interface TrailStatus {
  readonly latestDeliveryTime?: number
  readonly latestDeliveryAttemptTime?: number
  readonly latestDeliveryError?: string
  readonly latestDigestDeliveryTime?: number
  readonly latestDigestDeliveryError?: string
  /**
   * Given up: 30 days of failed attempts, or the pending folder was full. What they held is still
   * in the event history, but in no log file or chain of the bucket.
   */
  readonly lost?: { readonly files: number; readonly events: number; readonly digests: number }
  /** Of the incarnation named here; a re-created trail starts fresh. */
  readonly incarnation: string
}

export const trailStatusKey = (region: string, trailArn: string): string =>
  `trail-status/${region}/${trailArn}`
