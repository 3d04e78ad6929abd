import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeFrame } from '../../src/journal/frame-codec.ts'
import { fsckJournal } from '../../src/journal/fsck.ts'
import { JournalError } from '../../src/journal/journal.ts'
import { openSegmentJournal, type SegmentJournal } from '../../src/journal/segment-journal.ts'
import type { Clock } from '../../src/platform/clock.ts'
import { masterKeyOf } from '../../src/platform/encryption.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { type Fault, FaultyDisk, outcomeOf, seeded } from './journal-disk.ts'

const master = masterKeyOf(Buffer.alloc(32, 1))
const FOLDER = '/journal'

/** Time stands still, so that every run makes the same calls. */
const clock: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0, sleep: async () => {} }

const open = (disk: FaultyDisk): Promise<SegmentJournal> =>
  openSegmentJournal(FOLDER, {
    master,
    shards: 2,
    clock,
    logger: silentLogger,
    maxBytes: 1e9,
    segmentBytes: 2_000,
    retentionMs: -1,
    files: disk,
  })

const frames = new Map<string, Buffer>()

const frameOf = (id: string): Buffer => {
  const payload = 'x'.repeat(id.length * 7)
  const frame = frames.get(id) ?? encodeFrame({ kind: 'control', topic: id, payload })
  frames.set(id, frame)
  return frame
}

interface Told {
  /** Acknowledged appends, by their id. */
  readonly acknowledged: Map<string, { shard: number; sequence: number }>
  /** Every id, with its shard. */
  readonly tried: Map<string, number>
  /** Refused with a code that says that nothing was written. */
  readonly refused: Set<string>
  readonly truncatedBelow: Map<number, number>
}

const nothingWritten = (error: unknown): boolean =>
  error instanceof JournalError && (error.code === 'full' || error.code === 'closed')

/** Groups of one to seven frames in two shards, truncation in between; stops where it must. */
const work = async (disk: FaultyDisk, told: Told, round: string): Promise<void> => {
  const journal = await open(disk)
  for (let step = 0; step < 6; step++) {
    const ids = Array.from({ length: (step % 4) * 2 + 1 }, (_, each) => `${round}-${step}-${each}`)
    await Promise.allSettled(
      ids.map(async (id, each) => {
        const shard = each % 2
        told.tried.set(id, shard)
        try {
          const sequence = await journal.append(shard, frameOf(id), id)
          told.acknowledged.set(id, { shard, sequence })
        } catch (error) {
          if (nothingWritten(error)) told.refused.add(id)
        }
      }),
    )
    if (step === 4) {
      told.truncatedBelow.set(0, 3)
      await journal.truncate(0, 3).catch(() => {}) // an injected fault: more is kept
    }
  }
  await journal.close()
}

/** Every id that the journal holds, by shard and sequence; fails on an unreadable frame. */
const contents = async (journal: SegmentJournal): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  for (const shard of journal.shards) {
    const { first, next } = await journal.range(shard)
    const frames = next === first ? [] : await journal.read(shard, first, 10_000, 1e9)
    assert.equal(frames.length, next - first, `shard ${shard} reads whole`)
    for (const [index, frame] of frames.entries()) {
      assert.equal(frame.sequence, first + index)
      found.set(`${shard}/${frame.sequence}`, frame.bytes.toString('hex'))
    }
  }
  return found
}

/** Repeats every append with its id: what was stored keeps its place, and all are there in the end. */
const repeatAll = async (journal: SegmentJournal, told: Told, what: string): Promise<void> => {
  for (const [id, shard] of told.tried) {
    const known = told.acknowledged.get(id)?.sequence
    const sequence = await journal.append(shard, frameOf(id), id)
    if (known !== undefined) assert.equal(sequence, known, `${what}: ${id} again`)
    told.acknowledged.set(id, { shard, sequence })
    const [stored] = await journal.read(shard, sequence, 1, 1).catch(() => [])
    const gone = sequence < (told.truncatedBelow.get(shard) ?? 0)
    assert.ok(gone || stored?.bytes.equals(frameOf(id)), `${what}: ${id} is stored`)
  }
  told.refused.clear()
}

/** Opens, compares with what was told and with what was `seen` before; returns what is there now. */
const check = async (
  disk: FaultyDisk,
  told: Told,
  what: string,
  seen?: ReadonlyMap<string, string>,
): Promise<Map<string, string>> => {
  const journal = await open(disk)
  assert.deepEqual(journal.recovery.findings, [], what)
  const found = await contents(journal)
  const below = (place: string): boolean => {
    const [shard = 0, sequence = 0] = place.split('/').map(Number)
    return sequence < (told.truncatedBelow.get(shard) ?? 0)
  }
  for (const [place, bytes] of seen ?? []) {
    assert.ok(found.get(place) === bytes || below(place), `${what}: ${place} was readable before`)
  }
  const times = new Map<string, number>()
  for (const bytes of found.values()) times.set(bytes, (times.get(bytes) ?? 0) + 1)
  for (const [id, { shard, sequence }] of told.acknowledged) {
    if (below(`${shard}/${sequence}`)) continue
    const bytes = frameOf(id).toString('hex')
    assert.equal(found.get(`${shard}/${sequence}`), bytes, `${what}: ${id} is in its place`)
    assert.equal(times.get(bytes), 1, `${what}: ${id} is there once`)
  }
  for (const id of told.refused) {
    assert.equal(times.has(frameOf(id).toString('hex')), false, `${what}: ${id} was refused`)
  }
  for (const [bytes, count] of times) assert.equal(count, 1, `${what}: ${bytes}`)
  if (seen === undefined) await repeatAll(journal, told, what)
  const { next } = await journal.range(0)
  assert.equal(await journal.append(0, frameOf('after'), `after ${what}`), next, what)
  await journal.close()
  if (seen === undefined) return found
  const report = await fsckJournal(FOLDER, { master, files: disk })
  assert.deepEqual(report.findings, [], `${what}: fsck`)
  return found
}

const newTold = (): Told => ({
  acknowledged: new Map(),
  tried: new Map(),
  refused: new Set(),
  truncatedBelow: new Map(),
})

/** The calls of one undisturbed run. */
const rehearse = async (): Promise<string[]> => {
  const disk = new FaultyDisk()
  const names: string[] = []
  disk.fault = (call) => {
    names.push(call.name)
    return undefined
  }
  await work(disk, newTold(), 'a')
  return names
}

/** Calls that change nothing can only fail or be the last. */
const faultsOf = (call: string): Fault[] => {
  if (call === 'write') return ['error', 'late-error', 'no-room', 'short', 'torn', 'crash']
  if (call === 'fdatasync') return ['error', 'late-error', 'no-room', 'lost', 'crash']
  const changes = ['open', 'rename', 'unlink', 'truncate', 'syncFolder'].includes(call)
  return changes ? ['error', 'late-error', 'no-room', 'crash'] : ['error']
}

type Aftermath = 'restart' | 'power loss'

/** A run with one fault, a start after it, and later a power loss that takes what is not durable. */
const runOne = async (
  at: number,
  fault: Fault,
  after: Aftermath,
  seed: number,
  crashAt?: number,
): Promise<void> => {
  const what = `${fault} at call ${at}, then ${after} (${seed})`
  const disk = new FaultyDisk()
  const told = newTold()
  disk.fault = (_, index) => (index === at ? fault : index === crashAt ? 'crash' : undefined)
  await work(disk, told, 'a').catch(() => {}) // opening or closing met the fault
  if (after === 'restart') disk.restartProcess()
  else disk.losePower(seeded(seed))
  const seen = await check(disk, told, what)
  disk.losePower(seeded(seed + 1))
  await check(disk, told, `${what}, then power loss`, seen)
}

const everyCall = async (after: Aftermath): Promise<void> => {
  const calls = await rehearse()
  assert.ok(calls.length > 60, `${calls.length} calls`)
  for (const [at, name] of calls.entries()) {
    // A call that changes nothing has nothing that the power could take.
    const faults = faultsOf(name)
    if (after === 'power loss' && faults.length === 1) continue
    for (const fault of faults) await runOne(at, fault, after, at)
  }
}

const twoFaults = async (): Promise<void> => {
  const calls = await rehearse()
  for (let seed = 0; seed < 120; seed++) {
    const random = seeded(seed)
    const at = Math.floor(random() * calls.length)
    const faults = faultsOf(calls[at] ?? '')
    const fault = faults[Math.floor(random() * faults.length)] ?? 'error'
    await runOne(at, fault, 'power loss', seed, at + 1 + Math.floor(random() * 12))
  }
}

const [afterRestart, afterPowerLoss, afterTwo] = [
  await outcomeOf(() => everyCall('restart')),
  await outcomeOf(() => everyCall('power loss')),
  await outcomeOf(twoFaults),
]

describe('journal faults', () => {
  it('keeps every promise after a fault at any call, then a restart', afterRestart)
  it('keeps every promise after a fault at any call, then a power loss', afterPowerLoss)
  it('keeps every promise when the power fails some calls after a fault', afterTwo)
})
