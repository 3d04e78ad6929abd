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
  /** Of the incarnation named here; a re-created trail starts fresh. */
  readonly incarnation: string
}
