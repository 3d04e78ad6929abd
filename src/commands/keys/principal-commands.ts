import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { roleArnOf } from '../../event/arn.ts'
import { IdentityError } from '../../identity/identity-error.ts'
import { deleteUser } from '../../identity/store/access-keys.ts'
import { ensureAccount } from '../../identity/store/accounts.ts'
import {
  MAX_SESSION_DURATION,
  removeRole,
  saveRole,
  saveUser,
} from '../../identity/store/principals.ts'
import { messageOf } from '../../platform/errors.ts'
import { json, type KeysEnvironment, withStore } from './environment.ts'

interface AccountOption {
  readonly account?: string
}

interface PrincipalOptions extends AccountOption {
  readonly path?: string
  readonly json?: boolean
}

export const accountOption = (): Option =>
  new Option('--account <id>', 'account (12 digits); default: the account of --account of serve')

const pathOf = ({ path }: PrincipalOptions): { path?: string } =>
  path === undefined ? {} : { path }

/** JSON as it is, or the name of a file that holds it. */
const readTrust = async (given: string): Promise<string> => {
  if (given.trimStart().startsWith('{')) return given
  try {
    return await readFile(given, 'utf8')
  } catch (cause) {
    throw new IdentityError('bad-value', `The trust policy cannot be read: ${messageOf(cause)}.`, {
      cause,
      hint: 'Give --trust a file, or the JSON itself.',
    })
  }
}

const addCreations = (command: Command, environment: KeysEnvironment): void => {
  const { terminal } = environment
  command
    .command('create-account <id>')
    .description('make an account, or set its alias')
    .option('--alias <name>', 'what AWS shows as the name of the root user')
    .action((id: string, options: { alias?: string }) =>
      withStore(environment, async (context) => {
        await ensureAccount(context, id, options)
        terminal.out(`account ${id}\n`)
      }),
    )
  command
    .command('create-user <name>')
    .description('make an IAM user')
    .addOption(accountOption())
    .option('--path <path>', 'begins and ends with a slash')
    .option('--json', 'print JSON')
    .action((name: string, options: PrincipalOptions) =>
      withStore(environment, async (context) => {
        const { account = context.account } = options
        const user = await saveUser(context, { account, name, source: 'made', ...pathOf(options) })
        const arn = `arn:aws:iam::${account}:user${user.path}${user.name}`
        terminal.out(
          options.json === true ? json({ arn, userId: user.id }) : `${arn}  ${user.id}\n`,
        )
      }),
    )
  command
    .command('create-role <name>')
    .description('make a role that the callers named by its trust policy can assume')
    .requiredOption('--trust <file|json>', 'trust policy')
    .addOption(accountOption())
    .option('--path <path>', 'begins and ends with a slash')
    .option('--max-session-duration <seconds>', 'default 3600, at most 43200')
    .option('--json', 'print JSON')
    .action(
      (name: string, options: PrincipalOptions & { trust: string; maxSessionDuration?: string }) =>
        withStore(environment, async (context) => {
          const { account = context.account, maxSessionDuration } = options
          const role = await saveRole(context, {
            account,
            name,
            source: 'made',
            trustPolicy: await readTrust(options.trust),
            maxSessionDuration: Number(maxSessionDuration ?? MAX_SESSION_DURATION.default),
            ...pathOf(options),
          })
          const arn = roleArnOf({ account, path: role.path, roleName: role.name })
          terminal.out(
            options.json === true ? json({ arn, roleId: role.id }) : `${arn}  ${role.id}\n`,
          )
        }),
    )
}

/** A removal of what is not there is an unmet precondition, not a success. */
const removal = async (
  what: string,
  remove: () => Promise<boolean>,
  said: (text: string) => void,
): Promise<void> => {
  if (!(await remove())) throw new IdentityError('not-found', `There is no ${what}.`)
  said(`deleted ${what}\n`)
}

const addRemovals = (command: Command, environment: KeysEnvironment): void => {
  const { terminal } = environment
  command
    .command('delete-user <name>')
    .description('remove a user with its keys and sessions')
    .addOption(accountOption())
    .action((name: string, options: AccountOption) =>
      withStore(environment, (context) => {
        const { account = context.account } = options
        return removal(
          `user ${name} in account ${account}`,
          () => deleteUser(context, account, name),
          terminal.out,
        )
      }),
    )
  command
    .command('delete-role <name>')
    .description('remove a role; its sessions end')
    .addOption(accountOption())
    .action((name: string, options: AccountOption) =>
      withStore(environment, (context) => {
        const { account = context.account } = options
        return removal(
          `role ${name} in account ${account}`,
          () => removeRole(context, account, name),
          terminal.out,
        )
      }),
    )
}

export const addPrincipalCommands = (command: Command, environment: KeysEnvironment): void => {
  addCreations(command, environment)
  addRemovals(command, environment)
}
