/** `clew verify` in this process, with what it wrote. */
import { Command } from 'commander'
import { verifyCommand } from '../../verify.ts'
import type { ChainHead } from '../chain-heads.ts'
import { HOUR, START } from './signed-bucket.ts'

export interface Result {
  readonly out: string
  readonly err: string
  readonly code: number
}

export interface RunOptions {
  /** What the data folder of that name knows. */
  readonly heads?: (data: string) => readonly ChainHead[]
  readonly environment?: NodeJS.ProcessEnv
}

export const runVerify = async (
  args: readonly string[],
  { heads = () => [], environment = {} }: RunOptions = {},
): Promise<Result> => {
  let out = ''
  let err = ''
  let code = 0
  const command = verifyCommand({
    output: {
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    },
    now: () => START + 100 * HOUR,
    chainHeads: async (data) => heads(data),
    environment,
    exit: (given) => {
      code = given
    },
    isTerminal: false,
  })
  const quiet = { writeOut: () => {}, writeErr: () => {} }
  command.exitOverride().configureOutput(quiet)
  await new Command().addCommand(command).parseAsync(['node', 'clew', 'verify', ...args])
  return { out, err, code }
}
