/**
 * `clew keys …`: accounts, users, roles and access keys of this installation. Works on the documents
 * of the data folder; a running server follows within about 100 ms. A secret is printed once, by
 * the command that makes it.
 */
import { Command } from 'commander'
import type { StoreContext } from '../identity/store/context.ts'
import { type KeysEnvironment, processTerminal, type Terminal } from './keys/environment.ts'
import { addKeyCommands } from './keys/key-commands.ts'
import { addPrincipalCommands } from './keys/principal-commands.ts'

export interface KeysContext extends StoreContext {
  /** The account where a command names none. */
  readonly account: string
  /** What auditors need to verify digests without us; printed as JSON. */
  readonly exportPublicKeys: () => Promise<unknown>
  close(): Promise<void>
}

/**
 * `open` is called once per command, and what it returns is closed after it. A refused command
 * throws a CodedError with nothing done: usage or an unmet precondition, exit code 2.
 */
export const keysCommand = (
  open: () => Promise<KeysContext>,
  terminal: Terminal = processTerminal(),
): Command => {
  const environment: KeysEnvironment = { open, terminal }
  const command = new Command('keys').description('accounts, users, roles and their access keys')
  addPrincipalCommands(command, environment)
  addKeyCommands(command, environment)
  return command
}
