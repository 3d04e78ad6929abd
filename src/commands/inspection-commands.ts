/** Every command besides `serve`. */
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { doctorCommand } from './doctor/doctor-command.ts'
import { eventsCommand } from './events.ts'
import { flushCommand } from './flush.ts'
import { fsckCommand } from './fsck/fsck-command.ts'
import { importCommand } from './import.ts'
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

/** `script`: what an import starts a server from where none runs. */
export const inspectionCommands = (script: string): Command[] => [
  eventsCommand(openHistoryOf),
  tailCommand(openTailOf),
  keys(),
  importCommand(script),
  flushCommand(),
  fsckCommand(),
  doctorCommand(),
  verifyCommand(),
]
