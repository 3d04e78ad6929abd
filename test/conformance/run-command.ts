import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { VENV } from './clew-server.ts'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const run = (
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(options.input ?? '')
  })

/** Why the Python clients cannot run here, or false. `npm test` installs them. */
export const pythonMissing: string | false = existsSync(join(VENV, 'aws'))
  ? false
  : 'the AWS CLI is not in .venv: run `npm test`, which installs it'

/** The AWS CLI; rejects unless it exits with `expect` (default 0). */
export const aws = async (
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  expect: number | 'any' = 0,
): Promise<CommandResult> => {
  const result = await run(join(VENV, 'aws'), args, { env })
  if (expect !== 'any' && result.code !== expect) {
    throw new Error(
      `aws ${args.join(' ')} exited with ${result.code}, not ${expect}:\n${result.stdout}${result.stderr}`,
    )
  }
  return result
}

/** The same, its stdout parsed. */
export const awsJson = async (
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<Record<string, unknown> & { [key: string]: never }> =>
  JSON.parse((await aws(env, [...args, '--output', 'json'])).stdout || '{}')
