/** Of all consumers: the journal is truncated below the lowest of their cursors. */
export const CONSUMER_NAMES: readonly string[] = ['history', 'trails']
