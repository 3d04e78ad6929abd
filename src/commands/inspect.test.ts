import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import type { SealedEvent } from '../event/sealed-event.ts'
import { FolderHistoryRig, TEST_MASTER } from '../history/testing/folder-history.ts'
import { encodeFrame } from '../journal/frame-codec.ts'
import { openSegmentJournal, type SegmentJournal } from '../journal/segment-journal.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'

const script = join(import.meta.dirname, 'testing', 'inspect-process.ts')
const events = Array.from({ length: 3000 }, (_, n) =>
  eventOf({ id: `e${n}`, time: NOW - n * 1000, user: n % 3 === 0 ? 'alice' : 'bob' }),
)

let data = ''
let rig: FolderHistoryRig
let journal: SegmentJournal

/** The process, its stdout, and everything of its stderr. */
const start = (
  ...flags: string[]
): { child: ChildProcess; out: Readable; err: Promise<string> } => {
  const child = spawn(process.execPath, [script, ...flags, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { child, out: child.stdout, err: text(child.stderr) }
}

const run = async (...flags: string[]): Promise<{ code: unknown; out: string; err: string }> => {
  const { child, out, err } = start(...flags)
  const [[code], stdout, stderr] = await Promise.all([once(child, 'exit'), text(out), err])
  return { code, out: stdout, err: stderr }
}

describe('clew events and clew tail as processes', { timeout: 60_000 }, () => {
  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'clew-inspect-'))
    rig = await new FolderHistoryRig({ now: NOW, folder: join(data, 'history') }).start()
    await rig.consume(0, [entryOf(0, 1, events)])
    journal = await openSegmentJournal(join(data, 'journal'), {
      ...{ master: TEST_MASTER, shards: 1, clock: systemClock, logger: silentLogger },
      maxBytes: 1e9,
    })
    const frames = Array.from({ length: 300 }, (_, n) => events.slice(n * 10, n * 10 + 10))
    const append = (frame: SealedEvent[], n: number): Promise<number> =>
      journal.append(0, encodeFrame({ kind: 'events', events: frame }), `frame-${n}`)
    await Promise.all(frames.map(append))
  })

  after(async () => {
    await journal.close()
    await rig.stop()
    rmSync(data, { recursive: true })
  })

  it('search the history beside its writer', async () => {
    const flags = ['--user', 'alice', '--format', 'json', '--limit', '2', '--event-source', 's3']
    const { code, out, err } = await run('events', ...flags)
    assert.equal(code, 0, err)
    assert.equal(out, `${events[0]?.text}\n${events[3]?.text}\n`)
    assert.equal(err, 'clew: More events match; --limit 2 shows these.\n')
  })

  it('show a table of a hundred when nothing is said', async () => {
    const { code, out } = await run('events')
    assert.equal(code, 0)
    assert.equal(out.split('\n').length, 102)
  })

  it('refuse an unknown flag and name the nearest', async () => {
    const { code, out, err } = await run('events', '--event-nane', 'x')
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(err, /Did you mean --event-name\?/)
  })

  it('print the journal and end', async () => {
    const { code, out, err } = await run('tail', '--no-follow', '--json', '--user', 'alice')
    assert.equal(code, 0, err)
    assert.equal(out.split('\n').length, 1001)
  })

  it('end quietly when their reader goes away', async () => {
    const { child, out, err } = start('events', '--format', 'csv')
    await once(out, 'data')
    out.destroy()
    const [code] = await once(child, 'exit')
    assert.deepEqual([code, await err], [0, ''])
  })

  it('follow until Ctrl-C, exit code 130', async () => {
    const { child, out, err } = start('tail', '--since', '100000d', '--event-id', 'late')
    await journal.append(
      0,
      encodeFrame({ kind: 'events', events: [eventOf({ id: 'late', time: NOW })] }),
      'late',
    )
    const [line] = await once(out, 'data')
    assert.equal(
      String(line),
      '2026-03-10T12:00:00Z  111122223333  us-east-1       alice                 s3:CreateBucket\n',
    )
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    assert.deepEqual([code, await err], [130, ''])
  })
})
