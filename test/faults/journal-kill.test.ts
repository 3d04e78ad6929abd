import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openSegmentJournal } from '../../src/journal/segment-journal.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { masterKeyOf } from '../../src/platform/encryption.ts'
import { silentLogger } from '../../src/platform/logger.ts'

const ROUNDS = 5
const KILL_AFTER = [1, 150, 400, 37, 800]

/** Appends in a child process until so many acknowledgements came, then kill -9. */
const runAndKill = async (folder: string, round: number): Promise<Map<string, string>> => {
  const child = fork(new URL('./journal-child.ts', import.meta.url), [folder, String(round)])
  const acknowledged = new Map<string, string>()
  child.on('message', ([shard, sequence, text]: [number, number, string]) => {
    acknowledged.set(`${shard}/${sequence}`, text)
    if (acknowledged.size === KILL_AFTER[round]) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return acknowledged
}

it('kill -9 under load loses nothing that was acknowledged and stores nothing twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-kill-'))
  const acknowledged = new Map<string, string>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [place, text] of await runAndKill(folder, round)) {
      assert.equal(acknowledged.has(place), false, `${place} was given twice`)
      acknowledged.set(place, text)
    }
    const journal = await openSegmentJournal(folder, {
      master: masterKeyOf(Buffer.alloc(32, 1)),
      shards: 2,
      clock: systemClock,
      logger: silentLogger,
      maxBytes: 1e9,
    })
    assert.deepEqual(journal.recovery.findings, [])
    const stored = new Map<string, string>()
    for (const shard of journal.shards) {
      const { next } = await journal.range(shard)
      const frames = await journal.read(shard, 1, 1e6, 1e9)
      assert.equal(frames.length, next - 1)
      for (const frame of frames) stored.set(`${shard}/${frame.sequence}`, frame.bytes.toString())
    }
    for (const [place, text] of acknowledged) assert.equal(stored.get(place), text, place)
    assert.equal(new Set(stored.values()).size, stored.size, 'no frame is there twice')
    await journal.close()
  }
  await rm(folder, { recursive: true })
})
