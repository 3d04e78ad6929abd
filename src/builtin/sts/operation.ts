import type { Partition } from '../../event/arn.ts'
import type { Identities } from '../../identity/identities.ts'
import type { IssuedSession } from '../../identity/store/sessions.ts'
import type { VerifiedCall } from '../../identity/verified-call.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Members } from './answer.ts'
import type { TrustCheck } from './trust.ts'

/** What an operation works with. */
export interface StsContext {
  readonly identities: Identities
  readonly clock: Clock
  readonly trusts: TrustCheck
}

export interface StsCall {
  readonly call: VerifiedCall
  readonly parameters: URLSearchParams
  /** Of the call's region. */
  readonly partition: Partition
}

/** Resolves with the members of the result element; throws StsFault. */
export type StsOperation = (call: StsCall, context: StsContext) => Promise<Members>

export const credentialsOf = (session: IssuedSession): Members => ({
  AccessKeyId: session.accessKeyId,
  SecretAccessKey: session.secret,
  SessionToken: session.sessionToken,
  Expiration: new Date(session.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
})
