import { principalArn } from '../../event/arn.ts'
import { listAccounts } from '../../identity/store/accounts.ts'
import type { StoreContext } from '../../identity/store/context.ts'
import { listRoles, listUsers } from '../../identity/store/principals.ts'
import type { KeyDocument } from '../../identity/store/records.ts'
import { isoSeconds } from '../../platform/clock.ts'

/** One line of `clew keys list`. */
export interface Listed {
  readonly type: 'account' | 'user' | 'role' | 'key' | 'session'
  readonly account: string
  /** Alias, name, or for keys and sessions whose they are. */
  readonly name: string
  readonly id: string
  readonly status: string
  readonly source: string
  readonly created: string
}

const ownerName = ({ owner }: KeyDocument): string => {
  if (owner.kind === 'root') return 'root'
  return owner.kind === 'user' ? owner.name : (principalArn(owner.principal) ?? '')
}

const statusOf = ({ owner, status }: KeyDocument, now: number): string => {
  if (owner.kind !== 'session' || status === 'disabled') return status
  const until = isoSeconds(owner.expiresAt)
  return owner.expiresAt <= now ? `expired ${until}` : `until ${until}`
}

/** Accounts with their users and roles, then all keys and sessions. */
export const listing = async (
  context: StoreContext,
  keys: readonly KeyDocument[],
): Promise<Listed[]> => {
  const rows: Listed[] = []
  for (const account of await listAccounts(context)) {
    const entry = { account: account.id, source: account.source, status: '' }
    const created = isoSeconds(account.createdAt)
    rows.push({ type: 'account', name: account.alias ?? '', id: account.id, created, ...entry })
    const families = [
      ['user', await listUsers(context, account.id)],
      ['role', await listRoles(context, account.id)],
    ] as const
    for (const [type, principals] of families) {
      for (const { name, path, id, source, createdAt } of principals) {
        const listed = { ...entry, source, created: isoSeconds(createdAt) }
        rows.push({ type, name: path.slice(1) + name, id, ...listed })
      }
    }
  }
  const now = context.clock.now()
  for (const key of keys) {
    rows.push({
      type: key.owner.kind === 'session' ? 'session' : 'key',
      account: key.account,
      name: ownerName(key),
      id: key.accessKeyId,
      status: statusOf(key, now),
      source: key.source,
      created: isoSeconds(key.createdAt),
    })
  }
  return rows
}
