/** The log files that wait for their bucket: each opens, and holds the text that its plan names. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { MasterKey } from '../../platform/encryption.ts'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'
import { PENDING_SUFFIX, readBody, readPlan } from './files/pending-folder.ts'

const unpack = promisify(gunzip)

export interface PendingReport {
  readonly files: number
  readonly bytes: number
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

const problemOf = async (path: string, master: MasterKey): Promise<string | undefined> => {
  const plan = await readPlan(path, master)
  const text = await unpack(await readBody(path, master), { maxOutputLength: plan.bytes + 1 })
  const sha256 = createHash('sha256').update(text).digest('hex')
  return sha256 === plan.sha256 ? undefined : 'its text is not the one that was planned'
}

/** Beside a running server too: a file that is delivered meanwhile is no problem. */
export const fsckPending = async (folder: string, master: MasterKey): Promise<PendingReport> => {
  const names = existsSync(folder) ? await readdir(folder) : []
  const problems: { place: string; problem: string }[] = []
  let files = 0
  let bytes = 0
  for (const name of names.filter((each) => each.endsWith(PENDING_SUFFIX)).sort()) {
    const path = join(folder, name)
    try {
      const { size } = await stat(path)
      const problem = await problemOf(path, master)
      if (problem !== undefined) problems.push({ place: path, problem })
      files++
      bytes += size
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') continue
      problems.push({ place: path, problem: messageOf(error) })
    }
  }
  return { files, bytes, problems }
}
