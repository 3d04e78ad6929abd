/** What arrived: every event text in the log files of a bucket, and in an account's event history. */

import { clewCommand } from '../../../bench/support/servers/clew-command.ts'
import { logFiles } from '../log-files.ts'
import { recordTexts } from './record-texts.ts'

export interface Delivered {
  /** That the log file's key names. */
  readonly account: string
  readonly text: Buffer
}

/** Every record of every log file. The server is stopped. */
export async function* deliveredEvents(data: string, bucket: string): AsyncGenerator<Delivered> {
  for await (const { key, content } of logFiles(data, bucket, 'AWSLogs/')) {
    const account = /^AWSLogs\/(\d{12})\//.exec(key)?.[1]
    if (account === undefined) continue
    for (const text of recordTexts(content)) yield { account, text }
  }
}

/** Texts of all management events of an account, as `clew events` downloads them. */
export const rememberedEvents = async (data: string, account: string): Promise<string[]> => {
  const range = ['--since', '100d', '--format', 'json']
  const output = await clewCommand(['events', '--account', account, ...range, '--data', data])
  return output.split('\n').filter((line) => line !== '')
}
