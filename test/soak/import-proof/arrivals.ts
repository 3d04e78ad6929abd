/** What arrived: every event text in the log files of a bucket, and in an account's event history. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { clewCommand } from '../../../bench/support/servers/clew-command.ts'
import { openFileObjectStore } from '../../../src/outlets/file-system/file-object-store.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { masterKeyOf } from '../../../src/platform/encryption.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { recordTexts } from './record-texts.ts'

const PAGE = 1_000

export interface Delivered {
  /** That the log file's key names. */
  readonly account: string
  readonly text: Buffer
}

/** Every record of every log file. The server is stopped. */
export async function* deliveredEvents(data: string, bucket: string): AsyncGenerator<Delivered> {
  const secret = Buffer.from(readFileSync(join(data, 'master.key'), 'utf8').trim(), 'hex')
  const common = { master: masterKeyOf(secret), clock: systemClock, logger: silentLogger }
  const store = await openFileObjectStore(join(data, 'objects'), common)
  try {
    for (let after = '', more = true; more; ) {
      const page = await store.list(bucket, { prefix: 'AWSLogs/', after, limit: PAGE })
      for (const { key } of page) {
        after = key
        const account = /^AWSLogs\/(\d{12})\/CloudTrail\/.*\.json\.gz$/.exec(key)?.[1]
        if (account === undefined) continue
        const { body } = await store.get(bucket, key)
        for (const text of recordTexts(gunzipSync(Buffer.concat(await body.toArray())))) {
          yield { account, text }
        }
      }
      more = page.length === PAGE
    }
  } finally {
    await store.close()
  }
}

/** Texts of all management events of an account, as `clew events` downloads them. */
export const rememberedEvents = async (data: string, account: string): Promise<string[]> => {
  const range = ['--since', '100d', '--format', 'json']
  const output = await clewCommand(['events', '--account', account, ...range, '--data', data])
  return output.split('\n').filter((line) => line !== '')
}
