/**
 * One captured call, from the first byte to the record. `gateway/` fills these in; `router/` and
 * `record/` are pure functions of them.
 */
import type { Caller } from '../event/principal.ts'
import type { SealedEvent } from '../event/sealed-event.ts'

export type AwsProtocol = 'json' | 'query' | 'ec2' | 'rest-json' | 'rest-xml' | 'rpc-v2-cbor'

/** The head of a request as it came, before anything is decoded. */
export interface RequestHead {
  readonly method: string
  /** Path as sent, percent-encoding kept; starts with `/`. Virtual-hosted S3: as sent too. */
  readonly rawPath: string
  /** Without the question mark; '' when absent. */
  readonly rawQuery: string
  /** Names in lower case; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
}

/** Credential scope of a signature, header or presigned. SigV2 and unsigned requests have none. */
export interface SigningScope {
  readonly signingName: string
  readonly region: string
}

/** What the router found. An unknown service or operation still has a source and a name. */
export interface CallIdentity {
  /** The catalogue's id (`s3`, `dynamodb`, `cloudtrail`), absent when the service is unknown. */
  readonly serviceId?: string
  /** Signing name: what upstreams are configured by. `unknown` when nothing names one. */
  readonly signingName: string
  /** Model name of the operation (`ListObjectsV2`); absent when unknown. */
  readonly operation?: string
  readonly protocol: AwsProtocol
  readonly eventSource: string
  /** As CloudTrail spells it (`ListObjects`, `CreateFunction20150331`, or `POST /path`). */
  readonly eventName: string
  readonly apiVersion?: string
  readonly readOnly: boolean
  readonly category: 'Management' | 'Data'
  /** S3 only: taken from path or virtual host, decoded. */
  readonly bucket?: string
  readonly key?: string
  /** It names two operations: nobody can say which one a service would carry out. */
  readonly conflict?: true
}

export interface CapturedCall {
  readonly head: RequestHead
  readonly identity: CallIdentity
  /** The whole body when it was buffered; undefined when it was streamed (S3 objects). */
  readonly body: Buffer | undefined
  readonly caller: Caller
  readonly account: string
  /** awsRegion of the record. */
  readonly region: string
  readonly eventId: string
  readonly sourceIp: string
  readonly signature?: {
    readonly version: 'SigV4' | 'SigV4A' | 'SigV2'
    readonly method: 'AuthHeader' | 'QueryString'
  }
  readonly tls?: { readonly version: string; readonly cipherSuite: string }
  /** Epoch milliseconds. */
  readonly startedAt: number
}

export interface CapturedAnswer {
  /** 0 when no answer came (upstream down, connection reset). */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The whole body, or undefined when it was longer than the tee's limit or was cut off. */
  readonly body: Buffer | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  /** Epoch milliseconds. */
  readonly completedAt: number
  /** An error that Clew itself answered before the call was forwarded, or instead of an answer. */
  readonly fault?: { readonly code: string; readonly message: string }
  /** The end of the answer was never seen; with `fault`, whether the call was carried out is unknown. */
  readonly incomplete?: boolean
}

/**
 * Builds the records of a call; `answer` undefined makes the intent's record. Usually one event;
 * S3 DeleteObjects gives one more for every key.
 */
export type RecordCall = (call: CapturedCall, answer: CapturedAnswer | undefined) => SealedEvent[]
