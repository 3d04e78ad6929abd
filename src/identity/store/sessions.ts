import type { SessionFacts } from '../../event/principal.ts'
import type { Secret } from '../secret.ts'
import { type StoreContext, update } from './context.ts'
import {
  FORMAT_VERSION,
  type KeyDocument,
  keyKey,
  type SessionPrincipal,
  type SessionTag,
} from './records.ts'
import { newId, newSecret, newSessionToken, type PlainKey, sealFor } from './secrets.ts'

export interface NewSession {
  /** The account of the principal, which the session's calls belong to. */
  readonly principal: SessionPrincipal
  readonly facts: SessionFacts
  /** Epoch milliseconds. */
  readonly expiresAt: number
  readonly tags?: readonly SessionTag[]
}

export interface IssuedSession extends PlainKey {
  readonly sessionToken: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

const documentOf = (
  context: StoreContext,
  session: NewSession,
  key: { accessKeyId: string; secret: string; sessionToken: string; source: 'made' | 'learned' },
): KeyDocument => ({
  version: FORMAT_VERSION,
  source: key.source,
  createdAt: context.clock.now(),
  accessKeyId: key.accessKeyId,
  account: session.principal.account,
  secret: sealFor(context.master, key.accessKeyId, 'secret', key.secret),
  status: 'active',
  owner: {
    kind: 'session',
    principal: session.principal,
    facts: session.facts,
    token: sealFor(context.master, key.accessKeyId, 'token', key.sessionToken),
    expiresAt: session.expiresAt,
    ...(session.tags === undefined || session.tags.length === 0 ? {} : { tags: session.tags }),
  },
})

/** Durable when it resolves, so that the first call with these credentials finds them. */
export const issueSession = async (
  context: StoreContext,
  session: NewSession,
): Promise<IssuedSession> => {
  const accessKeyId = newId('ASIA')
  const secret = newSecret()
  const sessionToken = newSessionToken()
  const document = documentOf(context, session, {
    accessKeyId,
    secret,
    sessionToken,
    source: 'made',
  })
  await context.documents.put(keyKey(accessKeyId), document, 'absent')
  return { accessKeyId, secret, sessionToken, expiresAt: session.expiresAt }
}

/** False where the id belongs to a key that was not learned: that one stays. */
export const saveLearnedSession = async (
  context: StoreContext,
  session: NewSession & { accessKeyId: string; secret: Secret; sessionToken: Secret },
): Promise<boolean> => {
  const document = documentOf(context, session, {
    accessKeyId: session.accessKeyId,
    secret: session.secret.reveal(),
    sessionToken: session.sessionToken.reveal(),
    source: 'learned',
  })
  const outcome = await update<KeyDocument>(context, keyKey(session.accessKeyId), (current) =>
    current === undefined || current.source === 'learned' ? document : current,
  )
  return outcome === document
}
