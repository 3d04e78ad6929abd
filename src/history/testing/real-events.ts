/** Real events for tests, read in place; absent on most machines. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const FOLDER = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'cloudtrail')

/** The lines of a file of the shared data folder beside the checkout, or why there are none. */
export const realLines = (file: string): { lines: Buffer[] } | { absent: string } => {
  const path = join(FOLDER, file)
  if (!existsSync(path)) return { absent: `SKIPPED: real events are absent (${file})` }
  const content = gunzipSync(readFileSync(path))
  const lines: Buffer[] = []
  for (let at = 0; at < content.length; ) {
    const feed = content.indexOf(10, at)
    const end = feed === -1 ? content.length : feed
    if (end > at) lines.push(content.subarray(at, end))
    at = end + 1
  }
  return { lines }
}
