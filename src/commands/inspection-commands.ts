/** Every command besides `serve`. */
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { eventsCommand } from './events.ts'
import { flushCommand } from './flush.ts'
import { fsckCommand } from './fsck.ts'
import { keysCommand } from './keys.ts'
import { openHistoryOf, openKeysOf, openTailOf } from './opened.ts'
import { configOf, withSettings } from './settings-options.ts'
import { tailCommand } from './tail.ts'
import { verifyCommand } from './verify.ts'

/** `keys` and its subcommands take the folder's flags behind the subcommand. */
const keys = (): Command => {
  let config: Config | undefined
  const command = keysCommand(() => {
    if (config === undefined) throw new Error('the configuration is read before every action')
    return openKeysOf(config)
  })
  for (const inner of command.commands) {
    const taken = inner.options.some((option) => option.long === '--account')
    withSettings(
      inner,
      taken ? ['data', 'masterKeyCommand'] : ['data', 'masterKeyCommand', 'account'],
    )
  }
  return command.hook('preAction', (_command, action) => {
    config = configOf(action)
  })
}

export const inspectionCommands = (): Command[] => [
  eventsCommand(openHistoryOf),
  tailCommand(openTailOf),
  keys(),
  flushCommand(),
  fsckCommand(),
  verifyCommand(),
]
