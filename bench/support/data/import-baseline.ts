/**
 * The work that no import can avoid, in one thread: gunzip, JSON.parse of every event, gzip of the
 * text. Argument: a folder of NDJSON files; prints the number of events and the seconds as JSON.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

const LINE_FEED = 10
const folder = process.argv[2] ?? ''
const at = performance.now()
let events = 0
let bytes = 0
for (const name of readdirSync(folder)) {
  const text = gunzipSync(readFileSync(join(folder, name)))
  let start = 0
  while (start < text.length) {
    const found = text.indexOf(LINE_FEED, start)
    const end = found < 0 ? text.length : found
    const event: unknown = JSON.parse(text.toString('utf8', start, end))
    if (typeof event === 'object') events++
    start = end + 1
  }
  bytes += gzipSync(text).length
}
console.log(JSON.stringify({ events, bytes, seconds: (performance.now() - at) / 1000 }))
