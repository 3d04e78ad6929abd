import { inspect } from 'node:util'
import type { Caller, Principal } from '../../event/principal.ts'
import type { Credential } from '../credentials.ts'
import { read, type StoreContext } from './context.ts'
import { findRole, findUser } from './principals.ts'
import { type AccountDocument, accountKey, type KeyDocument, keyKey } from './records.ts'
import { hmacKeysOf, openFor } from './secrets.ts'

/** A session that Clew issued ends with its user or role; an upstream's are the upstream's. */
const stillExists = async (context: StoreContext, key: KeyDocument): Promise<boolean> => {
  if (key.owner.kind !== 'session' || key.source === 'learned') return true
  const { principal } = key.owner
  switch (principal.kind) {
    case 'user':
      return (
        (await findUser(context, principal.account, principal.userName))?.id === principal.userId
      )
    case 'assumed-role':
      return (
        (await findRole(context, principal.account, principal.roleName))?.id === principal.roleId
      )
    default:
      return true
  }
}

const principalOf = async (
  context: StoreContext,
  key: KeyDocument,
): Promise<Principal | undefined> => {
  const { account, owner } = key
  if (owner.kind === 'session') {
    return (await stillExists(context, key)) ? owner.principal : undefined
  }
  if (owner.kind === 'root') {
    const alias = (await read<AccountDocument>(context, accountKey(account)))?.value.alias
    return { kind: 'root', account, ...(alias === undefined ? {} : { alias }) }
  }
  const user = await findUser(context, account, owner.name)
  if (user === undefined) return undefined
  return { kind: 'user', account, userId: user.id, userName: user.name, path: user.path }
}

/** Keeps the session token out of anything that prints or serialises the credential. */
const guarded = (credential: Credential): Credential => {
  const shown = (): object => ({
    accessKeyId: credential.accessKeyId,
    account: credential.account,
  })
  return Object.defineProperties(credential, {
    toJSON: { value: shown },
    [inspect.custom]: { value: shown },
  })
}

/** Undefined for unknown and disabled keys, and for those whose owner is gone. */
export const findCredential = async (
  context: StoreContext,
  accessKeyId: string,
): Promise<Credential | undefined> => {
  const key = (await read<KeyDocument>(context, keyKey(accessKeyId)))?.value
  if (key === undefined || key.status !== 'active') return undefined
  const principal = await principalOf(context, key)
  if (principal === undefined) return undefined
  const { owner, account } = key
  const caller: Caller = {
    principal,
    accessKeyId,
    ...(owner.kind === 'session' ? { session: owner.facts } : {}),
  }
  return guarded({
    accessKeyId,
    account,
    caller,
    ...hmacKeysOf(openFor(context.master, accessKeyId, 'secret', key.secret)),
    ...(owner.kind === 'session'
      ? {
          sessionToken: openFor(context.master, accessKeyId, 'token', owner.token).toString('utf8'),
          expiresAt: owner.expiresAt,
        }
      : {}),
  })
}
