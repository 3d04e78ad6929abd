/**
 * What a proxied answer of STS or IAM tells about credentials (reference/capture.md §4). Pure: what
 * it returns goes to `Identities.remember`.
 */
import type { Caller, SessionFacts } from '../event/principal.ts'
import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { learnFromIam } from './learning/iam-answers.ts'
import { type Fields, readResult } from './learning/read-result.ts'
import { federationCaller, learnFromSts } from './learning/sts-answers.ts'
import type { Secret } from './secret.ts'
import type { SessionPrincipal } from './store/records.ts'

export interface LearnedSession {
  readonly kind: 'session'
  readonly accessKeyId: string
  readonly secret: Secret
  readonly sessionToken: Secret
  readonly principal: SessionPrincipal
  readonly facts: SessionFacts
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface LearnedUser {
  readonly kind: 'user'
  readonly account: string
  readonly userName: string
  /** Begins and ends with a slash. */
  readonly path: string
  readonly userId: string
}

export interface LearnedAccessKey {
  readonly kind: 'access-key'
  readonly account: string
  readonly userName: string
  readonly accessKeyId: string
  readonly secret: Secret
}

export type LearnedCredential =
  | LearnedSession
  | LearnedUser
  | LearnedAccessKey
  | { readonly kind: 'key-status'; readonly accessKeyId: string; readonly active: boolean }
  | { readonly kind: 'key-removed'; readonly accessKeyId: string }

export interface Answer {
  /** `sts` or `iam`; everything else teaches nothing. */
  readonly signingName: string
  readonly operation: string
  /** The raw form body, or the raw query string of a GET. */
  readonly request: string
  /** The whole body of a successful answer, XML or JSON. MUST NOT be truncated. */
  readonly body: Uint8Array
  readonly caller: Caller
  /** The account that the call belongs to. */
  readonly account: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Told, without any of its content, when an answer cannot be read. */
  readonly logger?: Logger
}

/** What a reader of one operation's answer works on. */
export interface ReadAnswer extends Omit<Answer, 'request' | 'body'> {
  readonly parameters: URLSearchParams
  readonly result: Fields
}

const SERVICES: Readonly<Record<string, (answer: ReadAnswer) => LearnedCredential[] | undefined>> =
  { sts: learnFromSts, iam: learnFromIam }

const readAnswer = (answer: Answer): ReadAnswer => ({
  ...answer,
  parameters: new URLSearchParams(answer.request),
  result: readResult(answer.operation, answer.body),
})

/** `[]` for operations that teach nothing and for answers that cannot be read. Never throws. */
export const learnFromAnswer = (answer: Answer): LearnedCredential[] => {
  const learn = SERVICES[answer.signingName]
  if (learn === undefined) return []
  const { operation, signingName } = answer
  try {
    const learned = learn(readAnswer(answer))
    if (learned !== undefined) return learned
    answer.logger?.warn({ signingName, operation }, 'an answer names no usable credentials')
  } catch (error) {
    const reason = messageOf(error)
    answer.logger?.warn(
      { signingName, operation, reason },
      'an answer with credentials is unreadable',
    )
  }
  return []
}

/**
 * Who called AssumeRoleWithSAML or AssumeRoleWithWebIdentity: these calls carry no signature, the
 * answer names the subject. Undefined for every other operation and for answers without one.
 */
export const federationCallerOf = (answer: Answer): Caller | undefined => {
  if (answer.signingName !== 'sts') return undefined
  try {
    return federationCaller(readAnswer(answer))
  } catch (error) {
    const { operation } = answer
    answer.logger?.warn({ operation, reason: messageOf(error) }, 'the subject cannot be read')
    return undefined
  }
}
