import { IdentityError } from '../identity-error.ts'
import { ACCOUNT_ALIAS, ACCOUNT_ID, checkName } from '../names.ts'
import { readAll, type StoreContext, update } from './context.ts'
import { ACCOUNTS_PREFIX, type AccountDocument, accountKey, FORMAT_VERSION } from './records.ts'

/** So many names of 64 characters fit a document many times over; IAM's defaults are 5,000 and 1,000. */
export const PRINCIPALS_MAX = { users: 2_000, roles: 1_000 } as const

export const noAccount = (account: string): IdentityError =>
  new IdentityError('not-found', `There is no account ${account}.`, {
    hint: `Make it first: clew keys create-account ${account}`,
  })

export type PrincipalFamily = keyof typeof PRINCIPALS_MAX

/**
 * Makes the account where it is missing, and sets its alias where one is given. An account of a
 * command stays one when identities.yaml names it too.
 */
export const ensureAccount = async (
  context: StoreContext,
  id: string,
  options: { alias?: string; source?: AccountDocument['source'] } = {},
): Promise<AccountDocument> => {
  checkName('account id (12 digits)', id, ACCOUNT_ID)
  const { alias, source = 'made' } = options
  if (alias !== undefined) checkName('account alias', alias, ACCOUNT_ALIAS)
  const made: AccountDocument = {
    version: FORMAT_VERSION,
    source,
    createdAt: context.clock.now(),
    id,
    users: [],
    roles: [],
  }
  const outcome = await update<AccountDocument>(context, accountKey(id), (current) => {
    const account = current ?? made
    return alias === undefined || account.alias === alias ? account : { ...account, alias }
  })
  return outcome ?? made
}

export const listAccounts = async (context: StoreContext): Promise<AccountDocument[]> =>
  (await readAll<AccountDocument>(context, ACCOUNTS_PREFIX)).map(({ value }) => value)

const withoutName = (names: readonly string[], name: string): readonly string[] => {
  const kept = names.filter((known) => known.toLowerCase() !== name.toLowerCase())
  return kept.length === names.length ? names : kept
}

/**
 * Writes a principal's name into its account's document, or leaves it where it already is: then a
 * creation or removal was cut off, or the principal exists, which its own document decides.
 */
export const claimName = async (
  context: StoreContext,
  account: string,
  family: PrincipalFamily,
  name: string,
): Promise<void> => {
  await update<AccountDocument>(context, accountKey(account), (current) => {
    if (current === undefined) {
      throw noAccount(account)
    }
    const others = withoutName(current[family], name)
    if (others !== current[family]) return current
    if (others.length >= PRINCIPALS_MAX[family]) {
      throw new IdentityError(
        'limit',
        `Account ${account} already has ${PRINCIPALS_MAX[family]} ${family}.`,
      )
    }
    return { ...current, [family]: [...others, name] }
  })
}

export const releaseName = async (
  context: StoreContext,
  account: string,
  family: PrincipalFamily,
  name: string,
): Promise<void> => {
  await update<AccountDocument>(context, accountKey(account), (current) => {
    if (current === undefined) return current
    const others = withoutName(current[family], name)
    return others === current[family] ? current : { ...current, [family]: others }
  })
}
