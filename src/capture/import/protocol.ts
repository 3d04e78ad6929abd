/**
 * Between `clew import` and the server of the data folder, on the console port under `/admin/import`,
 * behind the admin token. Frames travel as they are stored: the server checks them and writes nothing anew.
 */
import type { TrailSelectors } from '../../event/selectors/types.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'

export const IMPORT_ROUTES = {
  open: '/admin/import/open',
  check: '/admin/import/check',
  frame: '/admin/import/frame',
  passed: '/admin/import/passed',
} as const

/** Bodies of `open`, `check` and `passed` are JSON of at most so many bytes. */
export const IMPORT_JSON_BYTES_MAX = 1024 * 1024
/** How long `passed` waits before it answers that it has not come to pass. */
export const PASSED_WAIT_MS = 5_000

export interface OpenRequest {
  /** Name or ARN. */
  readonly trail?: string
}

export interface ImportTrail {
  readonly arn: string
  /** Tells it from a later one of the same name. */
  readonly incarnation: string
  /** When it was stopped the last time, epoch milliseconds: another value says that it was meanwhile. */
  readonly stoppedAt?: number
  readonly account: string
  readonly bucket: string
  readonly prefix?: string
  readonly homeRegion: string
  readonly isMultiRegionTrail: boolean
  readonly includeGlobalServiceEvents: boolean
  readonly selectors: TrailSelectors
  /** The bucket's policy lets it write whatever the account is: no account need be checked. */
  readonly anyAccount?: boolean
}

export interface OpenAnswer {
  /** Goes with every frame; ends with the next `open`, and then nothing of this one is under way. */
  readonly session: string
  /** By shard: the last sequence. */
  readonly heads: readonly Sequence[]
  /** S3 is built in: `s3://` names its buckets. */
  readonly builtinS3: boolean
  readonly trail?: ImportTrail
}

export interface CheckRequest {
  readonly trailArn: string
  readonly accounts: readonly string[]
}

export interface CheckAnswer {
  /** Accounts below whose prefix the trail may not write. */
  readonly missing: readonly string[]
  /** Of a bucket policy, as JSON text: what would let it. */
  readonly statement?: string
}

/** `POST /admin/import/frame?session=…&shard=…&id=…`, the body being the frame. */
export interface FrameAnswer {
  readonly sequence: Sequence
}

export interface PassedRequest {
  readonly heads: readonly (readonly [Shard, Sequence])[]
}

export interface PassedAnswer {
  readonly passed: boolean
}

/**
 * `no-trail`: the trail of the session was stopped or deleted meanwhile; the frame may be in the journal,
 * and the trail did or did not take it. `full`: no room in the journal, `unknown`: outcome unknown, `unavailable`: a process restarts; all
 * three are answered with 503 and are to be repeated. Anything else is final.
 */
export interface RefusedAnswer {
  readonly error: string
  readonly code: string
  readonly hint?: string
}

export const REPEATED_CODES: ReadonlySet<string> = new Set(['full', 'unknown', 'unavailable'])
