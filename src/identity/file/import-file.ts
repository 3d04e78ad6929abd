/**
 * Makes the store agree with identities.yaml: what the file names is there, what it no longer names
 * and came from it goes. Every step can be repeated, so a start that was cut off finishes later.
 */
import { basename, dirname, resolve } from 'node:path'
import type { Logger } from '../../platform/logger.ts'
import { IdentityError } from '../identity-error.ts'
import { SECRET_ACCESS_KEY } from '../names.ts'
import { PolicyError, parsePolicy } from '../policy/parse.ts'
import {
  deleteUser,
  type LongTermOwner,
  listKeys,
  removeKey,
  saveKey,
} from '../store/access-keys.ts'
import { ensureAccount, listAccounts } from '../store/accounts.ts'
import type { StoreContext } from '../store/context.ts'
import { listRoles, listUsers, removeRole, saveRole, saveUser } from '../store/principals.ts'
import { keyKey, roleKey, userKey } from '../store/records.ts'
import {
  type FileAccessKey,
  type IdentitiesFile,
  IdentitiesFileError,
  type Locate,
  parseIdentities,
} from './identities-file.ts'
import { IDENTITIES_FILE_BYTES_MAX, readPrivateFile, SECRET_FILE_BYTES_MAX } from './read-file.ts'

interface WantedUser {
  readonly account: string
  readonly name: string
  readonly path?: string
  readonly id?: string
  readonly at: string
}

interface WantedRole extends WantedUser {
  readonly trustPolicy: string
  readonly maxSessionDuration?: number
}

interface WantedKey {
  readonly account: string
  readonly owner: LongTermOwner
  readonly accessKeyId: string
  readonly secret: string
  readonly at: string
}

interface Wanted {
  readonly accounts: readonly { id: string; alias?: string }[]
  readonly users: readonly WantedUser[]
  readonly roles: readonly WantedRole[]
  readonly keys: readonly WantedKey[]
}

type Defined<Given> = { [Name in keyof Given]: Exclude<Given[Name], undefined> }

/** Leaves out what is undefined, as exactOptionalPropertyTypes wants it. */
const defined = <Given extends object>(given: Given): Partial<Defined<Given>> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<
    Defined<Given>
  >

const invalid = (at: string, problem: string, cause?: unknown): IdentitiesFileError =>
  new IdentitiesFileError('invalid', `${at}: ${problem}`, { cause })

const trustPolicyText = (given: string | Record<string, unknown>, at: string): string => {
  const text = typeof given === 'string' ? given : JSON.stringify(given)
  try {
    parsePolicy(text, 'trust')
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw invalid(at, cause.message, cause)
  }
  return text
}

const collect = async (
  file: IdentitiesFile,
  locate: Locate,
  secretOf: (key: FileAccessKey, at: string) => Promise<string>,
): Promise<Wanted> => {
  const users: WantedUser[] = []
  const roles: WantedRole[] = []
  const keys: WantedKey[] = []
  const seen = new Map<string, string>()
  const once = (key: string, at: string): string => {
    const first = seen.get(key)
    if (first !== undefined) throw invalid(at, `is already at ${first}`)
    seen.set(key, at)
    return at
  }
  for (const [index, { id: account, ...given }] of file.accounts.entries()) {
    const path = ['accounts', index]
    once(account, locate([...path, 'id']))
    const addKeys = async (
      owner: LongTermOwner,
      accessKeys: readonly FileAccessKey[],
      below: PropertyKey[],
    ): Promise<void> => {
      for (const [position, key] of accessKeys.entries()) {
        const at = once(keyKey(key.id), locate([...below, position, 'id']))
        const secret = await secretOf(key, at)
        keys.push({ account, owner, accessKeyId: key.id, secret, at })
      }
    }
    await addKeys({ kind: 'root' }, given.rootAccessKeys, [...path, 'rootAccessKeys'])
    for (const [position, { accessKeys, name, ...user }] of given.users.entries()) {
      const below = [...path, 'users', position]
      const at = once(userKey(account, name), locate([...below, 'name']))
      users.push({ account, name, at, ...defined(user) })
      await addKeys({ kind: 'user', name }, accessKeys, [...below, 'accessKeys'])
    }
    for (const [position, { trustPolicy: policy, name, ...role }] of given.roles.entries()) {
      const below = [...path, 'roles', position]
      const at = once(roleKey(account, name), locate([...below, 'name']))
      const trustPolicy = trustPolicyText(policy, locate([...below, 'trustPolicy']))
      roles.push({ account, name, at, trustPolicy, ...defined(role) })
    }
  }
  const accounts = file.accounts.map(({ id, alias }) => ({ id, ...defined({ alias }) }))
  return { accounts, users, roles, keys }
}

/** Names the place in the file when the store refuses an entry. */
const at = async (place: string, save: Promise<unknown>): Promise<void> => {
  try {
    await save
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause
    const hint = cause.hint === undefined ? {} : { hint: cause.hint }
    throw new IdentitiesFileError('invalid', `${place}: ${cause.message}`, { cause, ...hint })
  }
}

const upsert = async (context: StoreContext, wanted: Wanted): Promise<void> => {
  const source = 'file'
  for (const { id, ...options } of wanted.accounts) {
    await ensureAccount(context, id, { ...options, source })
  }
  for (const { at: place, ...user } of wanted.users) {
    await at(place, saveUser(context, { ...user, source }))
  }
  for (const { at: place, ...role } of wanted.roles) {
    await at(place, saveRole(context, { ...role, source }))
  }
  for (const { at: place, ...key } of wanted.keys) {
    await at(place, saveKey(context, { ...key, source }))
  }
}

const removeOthers = async (context: StoreContext, wanted: Wanted): Promise<number> => {
  const kept = new Set([
    ...wanted.keys.map(({ accessKeyId }) => keyKey(accessKeyId)),
    ...wanted.users.map(({ account, name }) => userKey(account, name)),
    ...wanted.roles.map(({ account, name }) => roleKey(account, name)),
  ])
  let removed = 0
  for (const { accessKeyId, source } of await listKeys(context)) {
    if (source !== 'file' || kept.has(keyKey(accessKeyId))) continue
    await removeKey(context, accessKeyId, ['file'])
    removed++
  }
  for (const { id } of await listAccounts(context)) {
    for (const { name, source } of await listUsers(context, id)) {
      if (source !== 'file' || kept.has(userKey(id, name))) continue
      await deleteUser(context, id, name)
      removed++
    }
    for (const { name, source } of await listRoles(context, id)) {
      if (source !== 'file' || kept.has(roleKey(id, name))) continue
      await removeRole(context, id, name)
      removed++
    }
  }
  return removed
}

const NOTHING: Wanted = { accounts: [], users: [], roles: [], keys: [] }

const readWanted = async (path: string, logger: Logger): Promise<Wanted> => {
  const text = await readPrivateFile(path, IDENTITIES_FILE_BYTES_MAX, logger)
  const { file, locate } = parseIdentities(basename(path), text)
  const secretOf = async (key: FileAccessKey, place: string): Promise<string> => {
    if (key.secret !== undefined) return key.secret
    const secretPath = resolve(dirname(path), key.secretFile ?? '')
    const secret = (await readPrivateFile(secretPath, SECRET_FILE_BYTES_MAX, logger)).trim()
    if (SECRET_ACCESS_KEY.test(secret)) return secret
    throw invalid(place, `${secretPath} holds no secret access key`)
  }
  return collect(file, locate, secretOf)
}

/**
 * Throws IdentitiesFileError; what the file itself has wrong is found before anything changes.
 * Without a file everything that an earlier one brought goes.
 */
export const importIdentitiesFile = async (
  context: StoreContext,
  path: string | undefined,
): Promise<void> => {
  const { logger } = context
  const wanted = path === undefined ? NOTHING : await readWanted(path, logger)
  await upsert(context, wanted)
  const removed = await removeOthers(context, wanted)
  if (path === undefined && removed === 0) return
  const { users, roles, keys } = wanted
  const counts = { users: users.length, roles: roles.length, keys: keys.length, removed }
  logger.info({ path, ...counts }, 'identities taken over from the file')
}
