/**
 * The root key of an account's first start.
 *
 * 1. The account's document names the key id, state `pending`. 2. The key's document is put.
 * 3. The state becomes `issued`. A crash between the steps is finished by the next start with the
 * same id. Afterwards nothing makes another one, even when the operator has removed it; and as long
 * as it is there its secret can be read again, so a lost or half-written profile.env locks nobody
 * out.
 */
import { createKey, listKeys } from './access-keys.ts'
import { ensureAccount } from './accounts.ts'
import { isConflict, read, type StoreContext, update } from './context.ts'
import { type AccountDocument, accountKey, type KeyDocument, keyKey } from './records.ts'
import { newId, openFor, type PlainKey } from './secrets.ts'

const plainOf = (context: StoreContext, key: KeyDocument): PlainKey => ({
  accessKeyId: key.accessKeyId,
  secret: openFor(context.master, key.accessKeyId, 'secret', key.secret).toString('utf8'),
})

const setState = (
  context: StoreContext,
  account: string,
  rootKey: AccountDocument['rootKey'] & object,
): Promise<AccountDocument | undefined> =>
  update<AccountDocument>(context, accountKey(account), (current) => {
    if (current === undefined || current.rootKey?.state === rootKey.state) return current
    return current.rootKey?.state === 'issued' ? current : { ...current, rootKey }
  })

/** Makes account and key once. Undefined when an earlier start has already done so. */
export const ensureRootKey = async (
  context: StoreContext,
  account: string,
): Promise<PlainKey | undefined> => {
  if ((await ensureAccount(context, account)).rootKey?.state === 'issued') return undefined
  const pending = await setState(context, account, {
    accessKeyId: newId('AKIA'),
    state: 'pending',
  })
  if (pending?.rootKey?.state !== 'pending') return undefined
  const { accessKeyId } = pending.rootKey
  try {
    await createKey(context, { account, owner: { kind: 'root' }, accessKeyId })
  } catch (error) {
    // It is there already: an earlier start was cut off behind this step.
    if (!isConflict(error)) throw error
  }
  await setState(context, account, { accessKeyId, state: 'issued' })
  return rootKeyOf(context, account)
}

/**
 * A root key of the account that works, for profile.env: the first start's, else the oldest other
 * one. Undefined when the operator removed or disabled them all.
 */
export const rootKeyOf = async (
  context: StoreContext,
  account: string,
): Promise<PlainKey | undefined> => {
  const issued = (await read<AccountDocument>(context, accountKey(account)))?.value.rootKey
  if (issued !== undefined) {
    const first = (await read<KeyDocument>(context, keyKey(issued.accessKeyId)))?.value
    if (first?.status === 'active') return plainOf(context, first)
  }
  const [oldest] = (await listKeys(context))
    .filter(
      (key) => key.account === account && key.owner.kind === 'root' && key.status === 'active',
    )
    .sort((left, right) => left.createdAt - right.createdAt)
  return oldest === undefined ? undefined : plainOf(context, oldest)
}
