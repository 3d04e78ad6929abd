/**
 * Fills the history of the folder in argv, frame by frame, until it is killed; says on stdout which
 * sequence it has acknowledged.
 */
import { writeSync } from 'node:fs'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { FolderHistoryRig } from './folder-history.ts'

const NOW = Date.parse('2026-03-10T12:00:00Z')

const eventOf = (eventId: string, time: number): SealedEvent => {
  const record = { eventTime: new Date(time).toISOString(), eventName: 'X', eventID: eventId }
  return {
    text: Buffer.from(JSON.stringify(record)),
    ...{ eventId, account: '111122223333', region: 'us-east-1', category: 'Management' },
    origin: { kind: 'capture' },
  }
}

const rig = new FolderHistoryRig({ now: NOW, folder: process.argv[2] ?? '' })
await rig.consumer.start(0, 0)
const first = Number(process.argv[3])
for (let sequence = first; ; sequence++) {
  // Two days in turn, so that a kill also falls between one day and the next.
  const events = Array.from({ length: 40 }, (_, n) =>
    eventOf(`${sequence}-${n}`, NOW - (n % 2) * 86_400_000 - n * 1000),
  )
  const durable = await rig.consume(0, [{ shard: 0, sequence, frame: { kind: 'events', events } }])
  writeSync(1, `${durable}\n`)
}
