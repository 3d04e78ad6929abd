import { type Command, Option } from 'commander'
import { flagOf, SETTINGS, type Setting, variableOf } from '../config/settings.ts'
import { type Config, readConfig } from '../config.ts'

const optionName = (path: string): string => new Option(`${flagOf(path)} <value>`).attributeName()

const append = (value: string, earlier: string[] | undefined): string[] => [
  ...(earlier ?? []),
  value,
]

const describe = (setting: Setting): string => {
  const value = Array.isArray(setting.default) ? setting.default.join(',') : setting.default
  const fallback = value === undefined || value === '' ? '' : ` (${String(value)})`
  return `${setting.about}${fallback} [${variableOf(setting.path)}]`
}

/** Gives a command the flags of all settings, or of those named, and --config. */
export const withSettings = (command: Command, only?: readonly string[]): Command => {
  for (const setting of SETTINGS as readonly Setting[]) {
    if (only !== undefined && !only.includes(setting.path)) continue
    const option = new Option(`${flagOf(setting.path)} <value>`, describe(setting))
    if (setting.repeatable === true) option.argParser(append)
    command.addOption(option)
  }
  return command.addOption(new Option('--config <file>', 'settings in YAML [CLEW_CONFIG]'))
}

/** For the variables of AWS clients, which are no settings of Clew. */
export const processEnvironment = (): NodeJS.ProcessEnv => process.env

/** The configuration of a command made by `withSettings`. */
export const configOf = (command: Command): Config => {
  const given: Record<string, unknown> = command.optsWithGlobals()
  const flags = new Map<string, unknown>()
  for (const { path } of SETTINGS) {
    const value = given[optionName(path)]
    if (value !== undefined) flags.set(path, value)
  }
  const file = given.config
  return readConfig(flags, process.env, typeof file === 'string' ? file : undefined)
}
