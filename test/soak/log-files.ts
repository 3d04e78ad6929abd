/** The log files of a bucket of the built-in store, read out of the folder of a server that has stopped. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openFileObjectStore } from '../../src/outlets/file-system/file-object-store.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { masterKeyOf } from '../../src/platform/encryption.ts'
import { silentLogger } from '../../src/platform/logger.ts'

const PAGE = 1_000
const LOG_FILE = /\/CloudTrail\/.*\.json\.gz$/

export interface LogFile {
  readonly key: string
  /** Unpacked. */
  readonly content: Buffer
}

/** Below `prefix`; digests and the empty markers of CreateTrail's preflight are left out. */
export async function* logFiles(
  data: string,
  bucket: string,
  prefix: string,
): AsyncGenerator<LogFile> {
  const secret = Buffer.from(readFileSync(join(data, 'master.key'), 'utf8').trim(), 'hex')
  const common = { master: masterKeyOf(secret), clock: systemClock, logger: silentLogger }
  const store = await openFileObjectStore(join(data, 'objects'), common)
  try {
    for (let after = '', more = true; more; ) {
      const page = await store.list(bucket, { prefix, after, limit: PAGE })
      for (const { key } of page) {
        after = key
        if (!LOG_FILE.test(key)) continue
        const { body } = await store.get(bucket, key)
        yield { key, content: gunzipSync(Buffer.concat(await body.toArray())) }
      }
      more = page.length === PAGE
    }
  } finally {
    await store.close()
  }
}
