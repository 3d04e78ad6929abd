import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { encodeFrame } from '../../journal/frame-codec.ts'
import { sampleTrail } from '../../trails/testing/trail-samples.ts'
import type { Trail, TrailChange } from '../../trails/trail.ts'
import { FINGERPRINT_BYTES } from './repeats/fingerprint.ts'
import { destinationName, HISTORY, openImportStore } from './repeats/import-store.ts'
import { settleOpenBatches } from './settle-open.ts'
import { MemoryJournal } from './testing/memory-journal.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'clew-settle-'))
})
after(() => rmSync(root, { recursive: true }))

const TRAIL = sampleTrail({ isLogging: true })

const frameOf = (eventId: string): Buffer =>
  encodeFrame({
    kind: 'events',
    events: [
      {
        ...{ text: Buffer.from('{}'), eventId, account: TRAIL.account, region: 'us-east-1' },
        ...{ category: 'Management', origin: { kind: 'import', jobId: 'j', trailArn: TRAIL.arn } },
      },
    ],
  })

const controlOf = (kind: TrailChange['kind'], trail: Trail): Buffer => {
  const change: TrailChange = { kind, trail, eventId: '' }
  return encodeFrame({ kind: 'control', topic: 'trail', payload: JSON.stringify(change) })
}

/** Two frames of one batch with something between them; what of them counts as found. */
const settledWith = async (between: Buffer, isDelivered = true) => {
  const store = await openImportStore(mkdtempSync(join(root, 'import-')))
  try {
    const destination = isDelivered ? store.destination(destinationName(TRAIL)) : HISTORY
    const journal = new MemoryJournal()
    const frames = ['a', 'b'].map((eventId) => frameOf(eventId))
    const notes = frames.map((bytes, n) => ({
      ...{ shard: 0, head: 0, digest: createHash('sha256').update(bytes).digest('hex') },
      ...{ events: 1, hours: new Map([[n, Buffer.alloc(FINGERPRINT_BYTES, n + 1)]]) },
    }))
    const files = [{ path: 'f', version: '1', done: true, events: 2 }]
    store.note(destination, { frames: notes, files }, [])
    for (const bytes of [frames[0], between, frames[1]]) if (bytes) journal.append(0, bytes)
    const { found, missing } = await settleOpenBatches(store, journal)
    const known = [0, 1].map((hour) => [...store.repeats(hour)].length)
    const isDone = store.file(destination, 'f', '1')?.done === true
    return { found, missing, known, isDone }
  } finally {
    store.close()
  }
}

it('does not take for delivered what came behind the stop or the end of its trail', async () => {
  const cut = { found: 1, missing: 1, known: [1, 0], isDone: false }
  assert.deepEqual(await settledWith(controlOf('put', { ...TRAIL, isLogging: false })), cut)
  assert.deepEqual(await settledWith(controlOf('delete', TRAIL)), cut)
})

it('takes it where another trail stopped, or where nothing is delivered', async () => {
  const whole = { found: 2, missing: 0, known: [1, 1], isDone: true }
  assert.deepEqual(await settledWith(controlOf('put', TRAIL)), whole)
  const earlier = { ...TRAIL, incarnation: 'earlier' }
  assert.deepEqual(await settledWith(controlOf('delete', earlier)), whole)
  assert.deepEqual(await settledWith(controlOf('delete', TRAIL), false), whole)
})
