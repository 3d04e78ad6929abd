/** Appends without end, 16 at a time, and reports each acknowledgement: killed by journal-kill.test.ts. */
import { openSegmentJournal } from '../../src/journal/segment-journal.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { masterKeyOf } from '../../src/platform/encryption.ts'
import { silentLogger } from '../../src/platform/logger.ts'

const [folder = '', round = ''] = process.argv.slice(2)
const journal = await openSegmentJournal(folder, {
  master: masterKeyOf(Buffer.alloc(32, 1)),
  shards: 2,
  clock: systemClock,
  logger: silentLogger,
  maxBytes: 1e9,
  segmentBytes: 30_000,
})
let next = 0

const produce = async (): Promise<void> => {
  for (;;) {
    const number = next++
    const id = `${round}-${number}`
    const shard = number % 2
    const frame = Buffer.from(id.repeat(1 + (number % 50)))
    const sequence = await journal.append(shard, frame, id)
    process.send?.([shard, sequence, frame.toString()])
  }
}

await Promise.all(Array.from({ length: 16 }, produce))
