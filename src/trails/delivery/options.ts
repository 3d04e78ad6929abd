import type { Registry } from 'prom-client'
import type { Documents } from '../../documents/documents.ts'
import type { SealedEvent } from '../../event/sealed-event.ts'
import type { SigningKeys } from '../../integrity/signing-keys.ts'
import type { Shard } from '../../journal/journal.ts'
import type { BucketFacts } from '../../outlets/object-store.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import type { Logger } from '../../platform/logger.ts'
import type { TrailBucket } from '../bucket-access.ts'
import type { TrailSelectors } from '../trail.ts'

/** AWS's retry horizon (reference/control-plane.md §A.12); then a delivery is given up. */
export const RETRY_HORIZON_MS = 30 * 86_400_000
export const RETRY_FIRST_MS = 60_000
export const RETRY_LAST_MS = 3_600_000
/** Puts into one bucket under way at the same time. */
export const PUTS_MAX = 8
/** AWS's default, while there is time (`files/pace.ts`). */
export const GZIP_LEVEL = 6

const MIB = 1024 * 1024

/** How a selector looks at an event: its parsed record and its category. */
export interface EventPredicate {
  (record: Readonly<Record<string, unknown>>, event: Pick<SealedEvent, 'category'>): boolean
  /** The answer for every event of the category; undefined where it depends on the record. */
  readonly always: (category: SealedEvent['category']) => boolean | undefined
}

export interface DeliveryOptions {
  readonly documents: Documents
  /** Appends the records of Clew's own puts to the journal. */
  readonly journalRecord: (events: SealedEvent[]) => Promise<void>
  /** Undefined where the built-in S3 is off: every delivery then fails with NoSuchBucket. */
  readonly bucket: TrailBucket | undefined
  /** Owner and region of a bucket, for the record of a put. */
  readonly bucketFacts: (name: string) => Promise<BucketFacts | undefined>
  readonly signingKeys: SigningKeys
  readonly compileSelectors: (selectors: TrailSelectors) => EventPredicate
  /** Which shard the events of an account and region are appended to: it drives their digests. */
  readonly shardOf: (account: string, region: string) => Shard
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  /** For deliveries that failed. */
  readonly folder: string
  readonly master: MasterKey
  readonly logFileIntervalMs: number
  /** Whole seconds. */
  readonly digestIntervalMs: number
  /** Uncompressed bytes of a log file. */
  readonly maxFileBytes: number
  /** 1 to 9; where much comes at most 3. */
  readonly gzipLevel?: number
  /** Memory of open files; above it the largest are closed early. */
  readonly heldBytesMax?: number
  /** Bound of the pending folder; above it the oldest file is given up. */
  readonly pendingBytesMax?: number
  /** A put that takes longer counts as failed. */
  readonly putTimeoutMs?: number
}

export type DeliverySettings = Required<DeliveryOptions>

/** The options with their defaults. */
export const deliverySettings = (options: DeliveryOptions): DeliverySettings => ({
  ...options,
  bucket: options.bucket,
  digestIntervalMs: Math.max(1000, Math.floor(options.digestIntervalMs / 1000) * 1000),
  gzipLevel: options.gzipLevel ?? GZIP_LEVEL,
  heldBytesMax: options.heldBytesMax ?? 48 * MIB,
  pendingBytesMax: options.pendingBytesMax ?? 10_240 * MIB,
  putTimeoutMs: options.putTimeoutMs ?? 60_000,
})
