import { IdentityError } from '../identity-error.ts'
import type { LearnedAccessKey, LearnedCredential, LearnedUser } from '../learn.ts'
import { removeKey, saveKey, setKeyStatus } from './access-keys.ts'
import { ensureAccount } from './accounts.ts'
import type { StoreContext } from './context.ts'
import { findUser, saveUser } from './principals.ts'
import type { Source } from './records.ts'
import { saveLearnedSession } from './sessions.ts'

/** Keys that live upstream, where IAM may disable and delete them. */
const UPSTREAM: readonly Source[] = ['learned', 'imported']

/** A learned user never changes one that was configured. */
const rememberUser = async (
  context: StoreContext,
  { account, userName, path, userId }: Omit<LearnedUser, 'kind'>,
): Promise<void> => {
  const known = await findUser(context, account, userName)
  if (known !== undefined && known.source !== 'learned') return
  if (known !== undefined && userId === '') return
  await ensureAccount(context, account, { source: 'learned' })
  await saveUser(context, { account, name: userName, path, id: userId, source: 'learned' })
}

const rememberKey = async (context: StoreContext, learned: LearnedAccessKey): Promise<boolean> => {
  const { account, userName, accessKeyId } = learned
  await rememberUser(context, { account, userName, path: '/', userId: '' })
  return saveKey(context, {
    account,
    accessKeyId,
    secret: learned.secret.reveal(),
    owner: { kind: 'user', name: userName },
    source: 'learned',
  })
}

/** False where a configured key has the learned one's id. */
const save = async (context: StoreContext, learned: LearnedCredential): Promise<boolean> => {
  switch (learned.kind) {
    case 'session':
      return saveLearnedSession(context, learned)
    case 'access-key':
      return rememberKey(context, learned)
    case 'user':
      await rememberUser(context, learned)
      return true
    case 'key-status': {
      const status = learned.active ? 'active' : 'disabled'
      await setKeyStatus(context, learned.accessKeyId, status, UPSTREAM)
      return true
    }
    case 'key-removed':
      await removeKey(context, learned.accessKeyId, UPSTREAM)
      return true
  }
}

/**
 * Durable when it resolves; a learned key never replaces a configured one. What the store cannot
 * take (a name that IAM would not allow) is logged: the upstream's answer stands either way.
 */
export const remember = async (
  context: StoreContext,
  learned: LearnedCredential,
): Promise<void> => {
  const { logger } = context
  const subject = 'accessKeyId' in learned ? { accessKeyId: learned.accessKeyId } : {}
  try {
    if (!(await save(context, learned))) {
      logger.warn(subject, 'an upstream issued a key id that is configured here')
    }
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    const { kind } = learned
    logger.warn({ ...subject, kind, reason: error.message }, 'a credential cannot be remembered')
  }
}
