/**
 * The documents of the credential store, format version 1:
 *
 *     identity/accounts/<account>        the account and the names of its users and roles
 *     identity/users/<account>/<name>    a user     identity/roles/<account>/<name>    a role
 *     identity/keys/<access key id>      one long-term key or one session
 *
 * Names are lower-cased in keys, because IAM's are unique without regard to case. A principal
 * exists while its document does; its name in the account's document is claimed before and released
 * after, so a crash in between leaves a name that the next creation takes over. Secrets and session
 * tokens are sealed under the master key, bound to their access key id.
 */
import type {
  FederatedPrincipal,
  RolePrincipal,
  RootPrincipal,
  SessionFacts,
  UserPrincipal,
} from '../../event/principal.ts'

export const FORMAT_VERSION = 1

/**
 * Who wrote an entry: `made` by a command or the built-in STS, `file` from identities.yaml,
 * `imported` by `keys import-key`, `learned` from an upstream's answer.
 */
export type Source = 'made' | 'file' | 'imported' | 'learned'

interface Entry {
  readonly version: number
  readonly source: Source
  /** Epoch milliseconds. */
  readonly createdAt: number
}

export interface AccountDocument extends Entry {
  readonly id: string
  readonly alias?: string
  /**
   * The key of the account's first start. `pending` until its own document is there, so that a
   * crash neither locks the account out nor leaves a second key behind.
   */
  readonly rootKey?: { readonly accessKeyId: string; readonly state: 'pending' | 'issued' }
  readonly users: readonly string[]
  readonly roles: readonly string[]
}

export interface UserDocument extends Entry {
  readonly account: string
  readonly name: string
  readonly path: string
  /** '' for a learned user whose id no answer has shown yet. */
  readonly id: string
}

export interface RoleDocument extends Entry {
  readonly account: string
  readonly name: string
  readonly path: string
  readonly id: string
  /** JSON text as given. */
  readonly trustPolicy: string
  /** Seconds. */
  readonly maxSessionDuration: number
}

export type SessionPrincipal = RootPrincipal | UserPrincipal | RolePrincipal | FederatedPrincipal

/** Session tags; transitive ones go on to the next role of a chain. */
export interface SessionTag {
  readonly key: string
  readonly value: string
  readonly transitive: boolean
}

export interface SessionOwner {
  readonly kind: 'session'
  readonly principal: SessionPrincipal
  readonly facts: SessionFacts
  /** Sealed. */
  readonly token: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  readonly tags?: readonly SessionTag[]
}

export type KeyOwner =
  | { readonly kind: 'root' }
  | { readonly kind: 'user'; readonly name: string }
  | SessionOwner

export interface KeyDocument extends Entry {
  readonly accessKeyId: string
  readonly account: string
  /** Sealed. */
  readonly secret: string
  readonly status: 'active' | 'disabled'
  readonly owner: KeyOwner
}

export const IDENTITY_PREFIX = 'identity/'
export const ACCOUNTS_PREFIX = 'identity/accounts/'
export const KEYS_PREFIX = 'identity/keys/'

export const accountKey = (account: string): string => `${ACCOUNTS_PREFIX}${account}`
export const usersPrefix = (account: string): string => `identity/users/${account}/`
export const rolesPrefix = (account: string): string => `identity/roles/${account}/`
export const userKey = (account: string, name: string): string =>
  usersPrefix(account) + name.toLowerCase()
export const roleKey = (account: string, name: string): string =>
  rolesPrefix(account) + name.toLowerCase()
export const keyKey = (accessKeyId: string): string => KEYS_PREFIX + accessKeyId
