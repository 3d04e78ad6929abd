import { IdentityError } from '../identity-error.ts'
import { ACCESS_KEY_ID, checkName, SECRET_ACCESS_KEY } from '../names.ts'
import { noAccount } from './accounts.ts'
import { isConflict, read, readAll, type StoreContext, update } from './context.ts'
import { findUser, removeUserEntry } from './principals.ts'
import {
  type AccountDocument,
  accountKey,
  FORMAT_VERSION,
  KEYS_PREFIX,
  type KeyDocument,
  type KeyOwner,
  keyKey,
  type Source,
} from './records.ts'
import { newId, newSecret, openFor, type PlainKey, sealFor } from './secrets.ts'

export type LongTermOwner = Exclude<KeyOwner, { kind: 'session' }>

export interface NewKey extends PlainKey {
  readonly account: string
  readonly owner: LongTermOwner
  readonly source: Source
}

const checkOwner = async (
  context: StoreContext,
  account: string,
  owner: LongTermOwner,
): Promise<void> => {
  if (owner.kind === 'root') {
    if ((await read<AccountDocument>(context, accountKey(account))) !== undefined) return
    throw noAccount(account)
  }
  if ((await findUser(context, account, owner.name)) !== undefined) return
  throw new IdentityError('not-found', `Account ${account} has no user '${owner.name}'.`, {
    hint: `Make it first: clew keys create-user ${owner.name} --account ${account}`,
  })
}

/** Whether an entry of source `next` may replace one of `current`. */
const mayReplace = (current: Source, next: Source): boolean =>
  current === 'learned' || (current === next && current !== 'made')

const sameSecret = (context: StoreContext, current: KeyDocument, secret: string): boolean =>
  openFor(context.master, current.accessKeyId, 'secret', current.secret).equals(Buffer.from(secret))

/**
 * Stores a key that came from elsewhere: a file, an import, an upstream's answer. A learned key
 * never replaces another source's: resolves with false then; every other clash throws `exists`.
 */
export const saveKey = async (context: StoreContext, given: NewKey): Promise<boolean> => {
  const { accessKeyId, secret, account, owner, source } = given
  checkName('access key id', accessKeyId, ACCESS_KEY_ID)
  if (!SECRET_ACCESS_KEY.test(secret)) {
    throw new IdentityError('bad-value', `The secret of ${accessKeyId} is no secret access key.`, {
      hint: 'It has 8 to 256 printable characters without spaces.',
    })
  }
  await checkOwner(context, account, owner)
  const wanted: KeyDocument = {
    version: FORMAT_VERSION,
    source,
    createdAt: context.clock.now(),
    accessKeyId,
    account,
    secret: sealFor(context.master, accessKeyId, 'secret', secret),
    status: 'active',
    owner,
  }
  const outcome = await update<KeyDocument>(context, keyKey(accessKeyId), (current) => {
    if (current === undefined) return wanted
    if (!mayReplace(current.source, source)) {
      if (source === 'learned') return current
      throw new IdentityError(
        'exists',
        `The access key ${accessKeyId} already exists (${current.source}).`,
        { hint: `Remove it first: clew keys delete-key ${accessKeyId}` },
      )
    }
    if (source !== 'file' || current.source !== 'file') return wanted
    const sameOwner =
      current.account === account && JSON.stringify(current.owner) === JSON.stringify(owner)
    if (sameOwner && sameSecret(context, current, secret)) return current
    // `disable-key` outlives a restart that reads the file again.
    return { ...wanted, status: current.status, createdAt: current.createdAt }
  })
  return outcome === wanted || outcome?.source === source
}

/** Makes a key; its secret exists in the clear only in what this returns. */
export const createKey = async (
  context: StoreContext,
  given: { account: string; owner: LongTermOwner; accessKeyId?: string },
): Promise<PlainKey> => {
  const { account, owner, accessKeyId = newId('AKIA') } = given
  await checkOwner(context, account, owner)
  const secret = newSecret()
  const document: KeyDocument = {
    version: FORMAT_VERSION,
    source: 'made',
    createdAt: context.clock.now(),
    accessKeyId,
    account,
    secret: sealFor(context.master, accessKeyId, 'secret', secret),
    status: 'active',
    owner,
  }
  await context.documents.put(keyKey(accessKeyId), document, 'absent')
  return { accessKeyId, secret }
}

/** Throws `not-found`; `only` limits the change to keys of these sources, others stay silently. */
export const setKeyStatus = async (
  context: StoreContext,
  accessKeyId: string,
  status: KeyDocument['status'],
  only?: readonly Source[],
): Promise<void> => {
  await update<KeyDocument>(context, keyKey(accessKeyId), (current) => {
    if (current !== undefined && only?.includes(current.source) === false) return current
    if (current !== undefined) return current.status === status ? current : { ...current, status }
    if (only !== undefined) return undefined
    throw new IdentityError('not-found', `There is no access key ${accessKeyId}.`)
  })
}

/** False where there was none. */
export const removeKey = async (
  context: StoreContext,
  accessKeyId: string,
  only?: readonly Source[],
): Promise<boolean> => {
  let removed = false
  await update<KeyDocument>(context, keyKey(accessKeyId), (current) => {
    if (current !== undefined && only?.includes(current.source) === false) return current
    removed = current !== undefined
    return undefined
  })
  return removed
}

/** Every key and session, without opening a secret. */
export const listKeys = async (context: StoreContext): Promise<readonly KeyDocument[]> =>
  (await readAll<KeyDocument>(context, KEYS_PREFIX)).map(({ value }) => value)

const isOf = (key: KeyDocument, account: string, name: string): boolean => {
  if (key.account !== account) return false
  const { owner } = key
  if (owner.kind === 'root') return false
  const keyName =
    owner.kind === 'user'
      ? owner.name
      : owner.principal.kind === 'user'
        ? owner.principal.userName
        : undefined
  return keyName?.toLowerCase() === name.toLowerCase()
}

/** The user's keys and sessions first, so that none outlives it. False where there was no user. */
export const deleteUser = async (
  context: StoreContext,
  account: string,
  name: string,
): Promise<boolean> => {
  for (const key of await listKeys(context)) {
    if (isOf(key, account, name)) await removeKey(context, key.accessKeyId)
  }
  return removeUserEntry(context, account, name)
}

/** Removes sessions that expired before `before` (epoch milliseconds); resolves with how many. */
export const removeExpired = async (context: StoreContext, before: number): Promise<number> => {
  let removed = 0
  for (const { key, value, revision } of await readAll<KeyDocument>(context, KEYS_PREFIX)) {
    if (value.owner.kind !== 'session' || value.owner.expiresAt >= before) continue
    try {
      await context.documents.remove(key, revision)
      removed++
    } catch (error) {
      // Another node swept it, or an upstream used the id again: both are none of our business.
      if (!isConflict(error)) throw error
    }
  }
  return removed
}
