import type { CapturedAnswer, RequestHead } from '../call.ts'
import type { SignatureVerifier } from '../signature/verifier.ts'
import type { ConnectionBudget } from './connections/connection-budget.ts'
import type { Upstreams } from './forwarding/upstream.ts'
import type { GatewayLimits, GatewayOptions } from './gateway-options.ts'
import type { BodyBudget } from './request/request-body.ts'
import type { GatewayTelemetry } from './telemetry.ts'

/** What all exchanges of one gateway share. */
export interface GatewayContext {
  readonly options: GatewayOptions
  readonly limits: GatewayLimits
  readonly connections: ConnectionBudget
  readonly verifier: SignatureVerifier
  readonly upstreams: Upstreams
  readonly budget: BodyBudget
  readonly telemetry: GatewayTelemetry
  readonly virtualBucket: (head: RequestHead) => string | undefined
  readonly sourceAddress: (peer: string | undefined, forwardedFor: string | undefined) => string
  /** Tells now and then that intents cannot be stored. */
  readonly refusedIntent: (error: unknown) => void
  readonly isRegionTaken: (region: string) => boolean
}

export type AnswerFacts = Omit<CapturedAnswer, 'bytesIn' | 'completedAt'>
