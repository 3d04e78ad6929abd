import { IdentityError } from '../identity-error.ts'
import { checkName, PRINCIPAL_NAME, PRINCIPAL_PATH, UNIQUE_ID } from '../names.ts'
import { parsePolicy } from '../policy/parse.ts'
import { claimName, type PrincipalFamily, releaseName } from './accounts.ts'
import { read, readAll, type StoreContext, update } from './context.ts'
import {
  FORMAT_VERSION,
  type RoleDocument,
  roleKey,
  rolesPrefix,
  type Source,
  type UserDocument,
  userKey,
  usersPrefix,
} from './records.ts'
import { newId } from './secrets.ts'

/** Seconds (IAM: roleMaxSessionDurationType). */
export const MAX_SESSION_DURATION = { min: 3_600, max: 43_200, default: 3_600 } as const

export interface NewUser {
  readonly account: string
  readonly name: string
  readonly path?: string
  /** Made up when absent; '' only for learned users. */
  readonly id?: string
  readonly source: Source
}

export interface NewRole extends NewUser {
  /** JSON text. */
  readonly trustPolicy: string
  /** Seconds. */
  readonly maxSessionDuration?: number
}

const FAMILY_NAME = { users: 'user', roles: 'role' } as const

/**
 * Makes a principal, or lets it take over an entry of the same name that its source may change:
 * a file may change what a file or an answer wrote, an answer what an answer wrote.
 */
const save = async <Value extends UserDocument>(
  context: StoreContext,
  family: PrincipalFamily,
  key: string,
  wanted: Value,
  idGiven: boolean,
): Promise<Value> => {
  await claimName(context, wanted.account, family, wanted.name)
  const outcome = await update<Value>(context, key, (current) => {
    if (current === undefined) return wanted
    const mayChange =
      current.source === wanted.source ? wanted.source !== 'made' : current.source === 'learned'
    if (!mayChange) {
      throw new IdentityError(
        'exists',
        `The ${FAMILY_NAME[family]} '${current.name}' of account ${current.account} already exists (${current.source}).`,
        { hint: `Remove it first: clew keys delete-${FAMILY_NAME[family]} ${current.name}` },
      )
    }
    const id = idGiven || current.id === '' ? wanted.id : current.id
    const next = { ...wanted, id, createdAt: current.createdAt }
    return JSON.stringify(next) === JSON.stringify(current) ? current : next
  })
  return outcome ?? wanted
}

const userOf = (context: StoreContext, given: NewUser, prefix: 'AIDA' | 'AROA'): UserDocument => {
  const { account, name, path = '/', source, id = newId(prefix) } = given
  checkName('user or role name', name, PRINCIPAL_NAME)
  checkName('path', path, PRINCIPAL_PATH)
  if (id !== '') checkName('unique id', id, UNIQUE_ID)
  const createdAt = context.clock.now()
  return { version: FORMAT_VERSION, source, createdAt, account, name, path, id }
}

export const saveUser = (context: StoreContext, given: NewUser): Promise<UserDocument> => {
  const wanted = userOf(context, given, 'AIDA')
  const key = userKey(wanted.account, wanted.name)
  return save(context, 'users', key, wanted, given.id !== undefined && given.id !== '')
}

export const saveRole = (context: StoreContext, given: NewRole): Promise<RoleDocument> => {
  const { trustPolicy, maxSessionDuration = MAX_SESSION_DURATION.default } = given
  parsePolicy(trustPolicy, 'trust')
  const { min, max } = MAX_SESSION_DURATION
  if (!(maxSessionDuration >= min && maxSessionDuration <= max)) {
    throw new IdentityError(
      'bad-value',
      `A role's maxSessionDuration is ${min} to ${max} seconds, not ${maxSessionDuration}.`,
    )
  }
  const wanted = { ...userOf(context, given, 'AROA'), trustPolicy, maxSessionDuration }
  const key = roleKey(wanted.account, wanted.name)
  return save<RoleDocument>(context, 'roles', key, wanted, given.id !== undefined)
}

export const findUser = async (
  context: StoreContext,
  account: string,
  name: string,
): Promise<UserDocument | undefined> =>
  (await read<UserDocument>(context, userKey(account, name)))?.value

export const findRole = async (
  context: StoreContext,
  account: string,
  name: string,
): Promise<RoleDocument | undefined> =>
  (await read<RoleDocument>(context, roleKey(account, name)))?.value

export const listUsers = async (
  context: StoreContext,
  account: string,
): Promise<readonly UserDocument[]> =>
  (await readAll<UserDocument>(context, usersPrefix(account))).map(({ value }) => value)

export const listRoles = async (
  context: StoreContext,
  account: string,
): Promise<readonly RoleDocument[]> =>
  (await readAll<RoleDocument>(context, rolesPrefix(account))).map(({ value }) => value)

/** The document first, the name after it: a name without a document can be claimed again. */
export const removeRole = async (
  context: StoreContext,
  account: string,
  name: string,
): Promise<boolean> => {
  const existed = (await findRole(context, account, name)) !== undefined
  await context.documents.remove(roleKey(account, name), 'any')
  await releaseName(context, account, 'roles', name)
  return existed
}

/** The user's keys MUST be gone before: see `deleteUser` in access-keys.ts. */
export const removeUserEntry = async (
  context: StoreContext,
  account: string,
  name: string,
): Promise<boolean> => {
  const existed = (await findUser(context, account, name)) !== undefined
  await context.documents.remove(userKey(account, name), 'any')
  await releaseName(context, account, 'users', name)
  return existed
}
