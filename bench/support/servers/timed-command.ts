/** A command as a whole process: how long it took and what it printed. */
import { run } from '../../../test/conformance/run-command.ts'

export interface TimedCommand {
  readonly seconds: number
  readonly stdout: string
  readonly stderr: string
}

/** Rejects unless it exits with 0. */
export const timeCommand = async (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<TimedCommand> => {
  const at = performance.now()
  const { code, stdout, stderr } = await run(command, args, { env })
  const seconds = (performance.now() - at) / 1000
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${code}:\n${stderr}`)
  return { seconds, stdout, stderr }
}
