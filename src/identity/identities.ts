/**
 * Who an access key is: the accounts, users, roles, keys and sessions of this installation, kept
 * encrypted in documents (store/records.ts has the layout) and looked up through a bounded cache.
 *
 * Invariants: a secret leaves the store in the clear once, to whoever made the key; a change by
 * another process is seen as soon as `Documents.watch` tells of it (about 100 ms), a change through
 * this object at once; look-ups of unknown keys leave nothing behind.
 */
import type { Documents } from '../documents/documents.ts'
import type { Clock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import type { Logger } from '../platform/logger.ts'
import { createCredentialCache } from './credential-cache.ts'
import type { CredentialDirectory } from './credentials.ts'
import { importIdentitiesFile } from './file/import-file.ts'
import type { LearnedCredential } from './learn.ts'
import { ACCESS_KEY_ID } from './names.ts'
import { startSessionSweep } from './session-sweep.ts'
import { read, type StoreContext } from './store/context.ts'
import { findCredential } from './store/find-credential.ts'
import { findRole } from './store/principals.ts'
import {
  IDENTITY_PREFIX,
  KEYS_PREFIX,
  type KeyDocument,
  keyKey,
  type RoleDocument,
  type SessionTag,
} from './store/records.ts'
import { remember } from './store/remember.ts'
import { ensureRootKey, rootKeyOf } from './store/root-key.ts'
import type { PlainKey } from './store/secrets.ts'
import { type IssuedSession, issueSession, type NewSession } from './store/sessions.ts'
import type { IdentityTelemetry } from './telemetry.ts'

export interface Identities extends CredentialDirectory {
  /** Makes account and root key at the first start; undefined at every later one. */
  ensureRootKey(account: string): Promise<PlainKey | undefined>
  /**
   * A working root key of the account, for profile.env: readable at any start, so that a lost or
   * half-written profile locks nobody out. Undefined when the operator removed them all.
   */
  rootKey(account: string): Promise<PlainKey | undefined>
  role(account: string, name: string): Promise<RoleDocument | undefined>
  /** Durable when it resolves. */
  issueSession(session: NewSession): Promise<IssuedSession>
  /** Tags of a session that this installation issued; [] for every other key. */
  sessionTags(accessKeyId: string): Promise<readonly SessionTag[]>
  /** Durable when it resolves: await it before the answer that it came from is released. */
  remember(learned: readonly LearnedCredential[]): Promise<void>
  /**
   * Takes over identities.yaml; undefined (no file is configured) removes what an earlier one
   * brought. Throws IdentitiesFileError.
   */
  importFile(path: string | undefined): Promise<void>
  close(): Promise<void>
}

export interface IdentitiesOptions {
  readonly documents: Documents
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
  readonly telemetry?: IdentityTelemetry
}

export const openIdentities = async (options: IdentitiesOptions): Promise<Identities> => {
  const { documents, telemetry } = options
  const context: StoreContext = options
  const cache = createCredentialCache((id) => findCredential(context, id), telemetry)
  const watch = documents.watch(IDENTITY_PREFIX, (key) => {
    if (key.startsWith(KEYS_PREFIX)) cache.forget(key.slice(KEYS_PREFIX.length))
    // Accounts, users and roles change rarely, and each can stand behind many keys.
    else cache.clear()
  })
  const sweep = startSessionSweep(context, telemetry)
  return {
    find: async (accessKeyId) =>
      ACCESS_KEY_ID.test(accessKeyId) ? cache.find(accessKeyId) : undefined,
    ensureRootKey: async (account) => {
      const key = await ensureRootKey(context, account)
      cache.clear()
      return key
    },
    rootKey: (account) => rootKeyOf(context, account),
    role: (account, name) => findRole(context, account, name),
    issueSession: async (session) => {
      const issued = await issueSession(context, session)
      cache.forget(issued.accessKeyId)
      return issued
    },
    sessionTags: async (accessKeyId) => {
      const owner = (await read<KeyDocument>(context, keyKey(accessKeyId)))?.value.owner
      return owner?.kind === 'session' ? (owner.tags ?? []) : []
    },
    remember: async (learned) => {
      for (const one of learned) {
        await remember(context, one)
        if ('accessKeyId' in one) cache.forget(one.accessKeyId)
        else cache.clear()
      }
    },
    importFile: async (path) => {
      await importIdentitiesFile(context, path)
      cache.clear()
    },
    close: async () => {
      watch[Symbol.dispose]()
      await sweep.close()
    },
  }
}
