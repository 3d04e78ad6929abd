import type { Command } from 'commander'
import { IdentityError } from '../../identity/identity-error.ts'
import {
  createKey,
  type LongTermOwner,
  listKeys,
  removeKey,
  saveKey,
  setKeyStatus,
} from '../../identity/store/access-keys.ts'
import type { KeyDocument } from '../../identity/store/records.ts'
import { json, type KeysEnvironment, type Terminal, table, withStore } from './environment.ts'
import { listing } from './listing.ts'
import { accountOption } from './principal-commands.ts'

interface OwnerOptions {
  readonly account?: string
  readonly user?: string
  readonly root?: boolean
  readonly json?: boolean
}

const ownerOf = ({ user, root }: OwnerOptions): LongTermOwner => {
  if ((user === undefined) === (root !== true)) {
    throw new IdentityError('bad-value', 'Whose key is it?', {
      hint: 'Give either --user NAME or --root.',
    })
  }
  return user === undefined ? { kind: 'root' } : { kind: 'user', name: user }
}

/** A secret on standard input has a few hundred characters at most. */
const SECRET_INPUT_BYTES_MAX = 4_096

const readSecret = async ({ input }: Terminal): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Uint8Array | string)
    size += bytes.length
    if (size > SECRET_INPUT_BYTES_MAX) {
      throw new IdentityError('bad-value', 'Standard input is too long for a secret.')
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8').trim()
}

const addOwnerOptions = (command: Command): Command =>
  command
    .option('--user <name>', 'the key of this user')
    .option('--root', 'a key of the root user')
    .addOption(accountOption())

const addMaking = (command: Command, environment: KeysEnvironment): void => {
  const { terminal } = environment
  addOwnerOptions(command.command('create-key'))
    .description('make an access key; its secret is printed once')
    .option('--json', 'print JSON')
    .action((options: OwnerOptions) =>
      withStore(environment, async (context) => {
        const owner = ownerOf(options)
        const { account = context.account } = options
        const { accessKeyId, secret } = await createKey(context, { account, owner })
        terminal.out(
          options.json === true
            ? json({ accessKeyId, secretAccessKey: secret })
            : `export AWS_ACCESS_KEY_ID=${accessKeyId}\nexport AWS_SECRET_ACCESS_KEY=${secret}\n`,
        )
      }),
    )
  addOwnerOptions(command.command('import-key <id>'))
    .description('take over a key of an upstream (MinIO, moto); its secret comes on standard input')
    .action((accessKeyId: string, options: OwnerOptions) =>
      withStore(environment, async (context) => {
        const owner = ownerOf(options)
        const { account = context.account } = options
        const secret = await readSecret(terminal)
        await saveKey(context, { accessKeyId, secret, account, owner, source: 'imported' })
        terminal.out(`imported ${accessKeyId}\n`)
      }),
    )
}

const addStatus = (
  command: Command,
  environment: KeysEnvironment,
  [name, status]: ['disable-key' | 'enable-key', KeyDocument['status']],
): void => {
  command
    .command(`${name} <id>`)
    .description(status === 'active' ? 'let a disabled key work again' : 'refuse a key from now on')
    .action((accessKeyId: string) =>
      withStore(environment, async (context) => {
        await setKeyStatus(context, accessKeyId, status)
        environment.terminal.out(`${accessKeyId} is ${status}\n`)
      }),
    )
}

const addRemoval = (command: Command, environment: KeysEnvironment): void => {
  command
    .command('delete-key <id>')
    .description('remove an access key or end a session')
    .action((accessKeyId: string) =>
      withStore(environment, async (context) => {
        if (!(await removeKey(context, accessKeyId))) {
          throw new IdentityError('not-found', `There is no access key ${accessKeyId}.`)
        }
        environment.terminal.out(`deleted ${accessKeyId}\n`)
      }),
    )
}

const addReading = (command: Command, environment: KeysEnvironment): void => {
  const { terminal } = environment
  command
    .command('list')
    .description('accounts, users, roles and keys; never a secret')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) =>
      withStore(environment, async (context) => {
        const rows = await listing(context, await listKeys(context))
        if (options.json === true) {
          terminal.out(json(rows))
          return
        }
        const header = ['TYPE', 'ACCOUNT', 'NAME', 'ID', 'STATUS', 'SOURCE', 'CREATED']
        const cells = rows.map((row) => [
          row.type,
          row.account,
          row.name,
          row.id,
          row.status,
          row.source,
          row.created,
        ])
        terminal.out(table([header, ...cells]))
      }),
    )
  command
    .command('export-public')
    .description('the public keys that verify digests, as JSON')
    .action(() =>
      withStore(environment, async (context) => {
        terminal.out(json(await context.exportPublicKeys()))
      }),
    )
}

export const addKeyCommands = (command: Command, environment: KeysEnvironment): void => {
  addMaking(command, environment)
  addStatus(command, environment, ['disable-key', 'disabled'])
  addStatus(command, environment, ['enable-key', 'active'])
  addRemoval(command, environment)
  addReading(command, environment)
}
