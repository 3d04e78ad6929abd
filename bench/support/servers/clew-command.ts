/** `clew …` as a whole process. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnvironment } from '../../../test/conformance/clew-server.ts'
import { type CommandResult, run } from '../../../test/conformance/run-command.ts'

const SRC = join(import.meta.dirname, '..', '..', '..', 'src')

/** However it exits. */
export const clewResult = (args: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, ['--no-maglev', join(SRC, 'main.ts'), ...args], { env: cleanEnvironment() })

/** Resolves with stdout; rejects unless it exits with one of `codes`. */
export const clewCommand = async (
  args: readonly string[],
  codes: readonly number[] = [0],
): Promise<string> => {
  const { code, stdout, stderr } = await clewResult(args)
  if (!codes.includes(code ?? -1)) {
    throw new Error(`clew ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`)
  }
  return stdout
}

/** Why there can be no import, or undefined. */
export const importMissing = (): string | undefined =>
  existsSync(join(SRC, 'commands', 'import.ts')) ? undefined : '`clew import` is not built yet'

export interface Imported {
  readonly imported: number
  readonly skipped: number
  readonly seconds: number
}

/** `clew import --json`; skipped records are told, not refused. */
export const importEvents = async (
  path: string,
  data: string,
  args: readonly string[] = [],
): Promise<Imported> => {
  const output = await clewCommand(['import', path, '--json', '--data', data, ...args], [0, 1])
  return JSON.parse(output) as Imported
}
