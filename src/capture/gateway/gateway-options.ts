/** What service.ts hands to the gateway, and the gateway's limits. */
import type { Registry } from 'prom-client'
import type { Caller } from '../../event/principal.ts'
import type { CredentialDirectory } from '../../identity/credentials.ts'
import type { BuiltinService } from '../../identity/verified-call.ts'
import type { EventRecorder } from '../../journal/recorder.ts'
import type { CallsUnderWay } from '../../journal/recording/gather-siblings.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type {
  CallIdentity,
  CapturedAnswer,
  CapturedCall,
  RecordCall,
  RequestHead,
  SigningScope,
} from '../call.ts'

/**
 * Names service and operation. Virtual-hosted S3 comes in path style already. `body` is undefined
 * before it was read and where it streams. MUST NOT throw.
 */
export type Identify = (
  head: RequestHead,
  scope: SigningScope | undefined,
  body: Buffer | undefined,
) => CallIdentity

/**
 * Takes credentials from an upstream's answer (STS, IAM …); awaited before the answer's last byte
 * leaves. Returns the caller where only the answer names him (AssumeRoleWithSAML).
 */
export type Learn = (
  call: CapturedCall,
  answer: CapturedAnswer,
  wholeBody: Buffer,
) => Promise<Caller | undefined>

/** May this caller do this? The fault that denies it, or undefined. */
export type Authorize = (
  identity: CallIdentity,
  caller: Caller,
) => { readonly status: number; readonly code: string; readonly message: string } | undefined

export interface GatewayOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly credentials: CredentialDirectory
  readonly identify: Identify
  readonly recordCall: RecordCall
  readonly recorder: Pick<EventRecorder, 'record' | 'intend'>
  /** Kept up to date for whoever must know how many calls are being served. */
  readonly calls?: CallsUnderWay
  /** By signing name; wins over `upstream`. */
  readonly builtin: (signingName: string) => BuiltinService | undefined
  /** By signing name; for `unknown` the upstream of everything else, if there is one. */
  readonly upstream: (signingName: string) => URL | undefined
  readonly learn: Learn
  /** `record`: calls of unknown access keys go to their upstream and are recorded as Unknown. */
  readonly unknownKeys: 'reject' | 'record'
  readonly defaults: { readonly account: string; readonly region: string }
  /** `bucket.<suffix>` is a bucket's host. */
  readonly virtualHostSuffixes?: readonly string[]
  /** Addresses or CIDR blocks whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[]
  /**
   * Called for a region that a verified request was signed for, until it answers true: the region is
   * an enabled one, or joins now. False refuses the call: there are too many regions already.
   */
  readonly onRegion?: (region: string) => boolean
  readonly authorize?: Authorize
  /** Milliseconds between a client's clock and ours. */
  readonly skewMs?: number
  /** Files and sockets that the process may have open; undefined: no limit. */
  readonly filesMax?: number | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  readonly limits?: Partial<GatewayLimits>
}

const KIB = 1024
const MIB = 1024 * KIB

/** Bytes, or milliseconds where the name ends so. */
export const GATEWAY_LIMITS = {
  /** Request line and headers; session tokens in presigned URLs are long. */
  headerBytesMax: 64 * KIB,
  headersMs: 20_000,
  /** A body that is held; a Lambda package of 50 MB is the largest legal one. */
  bodyBytesMax: 64 * MIB,
  /** Held bodies of all requests together. */
  bodiesBytesMax: 512 * MIB,
  /** A held body without a signature in its head: nobody is known to have sent it. */
  unsignedBodyBytesMax: 1 * MIB,
  /** Objects above this stream. */
  streamFromBytes: 1 * MIB,
  /** In every such span at least `bodyBytesPerSecondMin` must come from the client. */
  bodyIdleMs: 60_000,
  /** Bytes a second that a body must come with; 0: any byte counts. */
  bodyBytesPerSecondMin: 1 * KIB,
  /** For the whole of a held body. */
  bodyMs: 300_000,
  /** Without a byte taken by the client. */
  answerIdleMs: 60_000,
  keepAliveMs: 65_000,
  /** How long a client that closed its sending half waits for its answer. */
  halfClosedMs: 30_000,
  connectionsMax: 4096,
  /** Of one address; 0: no limit of its own. */
  connectionsPerAddressMax: 0,
  /** Requests of one connection that may be under way at once; no AWS client sends a second. */
  pipelinedMax: 32,
  /** What is kept of an answer for the record. */
  teeBytesMax: 256 * KIB,
  /** The same for answers with credentials, which are kept whole. */
  learnBytesMax: 1 * MIB,
  /** S3 DeleteObjects: 1,000 keys of 1,024 bytes, escaped. */
  deletedBytesMax: 8 * MIB,
  /** How much of a refused body is read so that the client sees the refusal. */
  drainBytesMax: 64 * MIB,
  drainMs: 10_000,
  upstreamConnectMs: 5_000,
  /** For one of `upstreamSocketsMax` connections to be free. */
  upstreamQueueMs: 30_000,
  /** Without taking a byte of a request. */
  upstreamWriteMs: 60_000,
  /** Until the answer begins, and without a byte of it; a Lambda function may run 15 minutes. */
  upstreamIdleMs: 910_000,
  upstreamSocketsMax: 512,
  /** How often header timeouts are looked for. */
  sweepMs: 5_000,
} as const

export type GatewayLimits = { readonly [Name in keyof typeof GATEWAY_LIMITS]: number }

export interface Gateway {
  readonly address: { readonly host: string; readonly port: number }
  /** Stops accepting, waits at most `graceMs` for what is in flight, then cuts it off. */
  close(graceMs: number): Promise<void>
}
