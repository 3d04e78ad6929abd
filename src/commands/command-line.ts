/** `clew …`: the commands, their exit codes (DESIGN.md §5) and how errors are told to people. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { CodedError, messageOf } from '../platform/errors.ts'
import type { ForkedRoles } from '../supervisor/fork-role.ts'
import { serveCommand } from './serve.ts'

/** 0 ok, 1 a check failed or found something, 2 usage or unmet precondition, 130 interrupted. */
export const EXIT = { ok: 0, found: 1, usage: 2, interrupted: 130 } as const

/** Thrown by a command that has said all and wants this exit code. */
export class ExitError extends CodedError<'exit'> {
  readonly exitCode: number

  constructor(exitCode: number, message = '') {
    super('exit', message)
    this.exitCode = exitCode
  }
}

const tell = (error: unknown): void => {
  process.stderr.write(`clew: ${messageOf(error)}\n`)
  if (error instanceof CodedError && error.hint !== undefined) {
    process.stderr.write(`      ${error.hint}\n`)
  }
  const debug = process.argv.includes('debug')
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
}

const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof ExitError) {
    if (error.message !== '') tell(error)
    return error.exitCode
  }
  tell(error)
  return error instanceof ConfigError || error instanceof CodedError ? EXIT.usage : EXIT.found
}

const versionOf = (): string => {
  const file = new URL('../../package.json', import.meta.url)
  return String(JSON.parse(readFileSync(file, 'utf8')).version)
}

/** A server starts without waiting for the other commands to load. */
const commandsFor = async (
  argv: readonly string[],
  script: string,
  forked: ForkedRoles,
): Promise<Command[]> => {
  if (argv[2] === 'serve') return [serveCommand(script, forked)]
  const { inspectionCommands } = await import('./inspection-commands.ts')
  return [serveCommand(script, forked), ...inspectionCommands(script)]
}

/** `script`: what `serve` starts its child processes from; `forked`: those that load already. */
export const runCommandLine = async (
  argv: string[],
  script: string,
  forked: ForkedRoles,
): Promise<number> => {
  const program = new Command('clew')
    .description('The open CloudTrail: records API calls, keeps, delivers and finds them.')
    .version(versionOf())
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: true })
  for (const command of await commandsFor(argv, script, forked)) {
    command.exitOverride()
    for (const inner of command.commands) inner.exitOverride()
    program.addCommand(command)
  }
  try {
    await program.parseAsync(argv)
    return Number(process.exitCode ?? EXIT.ok)
  } catch (error) {
    return exitCodeOf(error)
  }
}
