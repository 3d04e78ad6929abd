import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SealedEvent } from '../../src/event/sealed-event.ts'
import { eventOf, openStation, textsOf } from '../../src/journal/testing/harness.ts'
import { type Fault, FaultyDisk, outcomeOf, seeded } from './journal-disk.ts'

/** Records events, the journal's disk failing in the midst; what is acknowledged must come through. */
const record = async (disk: FaultyDisk, told: Set<string>, round: string): Promise<void> => {
  const station = await openStation(disk)
  let number = 0
  const some = async (count: number): Promise<void> => {
    const events: SealedEvent[] = []
    for (; events.length < count; number++) {
      events.push(eventOf(`{"${round}":${number}}`, { region: `r-${number % 3}` }))
    }
    const tries = events.map(async (event) => {
      await station.recorder.record([event])
      told.add(event.text.toString())
    })
    await Promise.allSettled(tries)
  }
  await some(4)
  await some(3)
  await some(5)
  await station.close()
}

const FAULTS: readonly Fault[] = ['error', 'late-error', 'no-room', 'torn', 'lost', 'crash']

/** Opens, lets the spool drain, and compares: every acknowledged event once, none twice. */
const check = async (disk: FaultyDisk, told: Set<string>, what: string): Promise<void> => {
  const station = await openStation(disk)
  while (station.spool.waiting > 0) await new Promise(setImmediate)
  const texts = await textsOf(station.journal)
  const there = new Set(texts)
  assert.equal(texts.length, there.size, `${what}: nothing is there twice`)
  for (const text of told) assert.ok(there.has(text), `${what}: ${text}`)
  await station.close()
}

/** The number of calls that `run` makes on a disk in the state that `prepare` leaves. */
const countCalls = async (prepare: (disk: FaultyDisk) => Promise<void>): Promise<number> => {
  const disk = new FaultyDisk()
  await prepare(disk)
  disk.calls = 0
  await check(disk, new Set(), 'rehearsal')
  return disk.calls
}

/** A disk with spooled events, of which some are in the journal although their append failed. */
const spooled = async (disk: FaultyDisk, told: Set<string>): Promise<void> => {
  let syncs = 0
  disk.fault = (call) => {
    if (call.name !== 'fdatasync' || !/journal.*seg$/.test(call.path)) return undefined
    return ++syncs === 2 ? 'late-error' : undefined
  }
  await record(disk, told, 'a')
  disk.restartProcess()
}

const whileRecording = async (): Promise<void> => {
  const rehearsal = new FaultyDisk()
  await record(rehearsal, new Set(), 'a')
  for (let at = 0; at < rehearsal.calls; at++) {
    for (const fault of FAULTS) {
      const disk = new FaultyDisk()
      const told = new Set<string>()
      disk.fault = (_, index) => (index === at ? fault : undefined)
      await record(disk, told, 'a').catch(() => {}) // opening met the fault
      if (at % 2 === 0) disk.restartProcess()
      else disk.losePower(seeded(at))
      await check(disk, told, `${fault} at ${at}`)
    }
  }
}

const whileDraining = async (): Promise<void> => {
  const calls = await countCalls((disk) => spooled(disk, new Set()))
  assert.ok(calls > 40, `${calls} calls`)
  for (let at = 0; at < calls; at++) {
    const disk = new FaultyDisk()
    const told = new Set<string>()
    await spooled(disk, told)
    disk.calls = 0
    disk.fault = (_, index) => (index === at ? 'crash' : undefined)
    await drainUntilDead(disk, at)
    if (at % 2 === 0) disk.restartProcess()
    else disk.losePower(seeded(at))
    await check(disk, told, `drain cut off at ${at}`)
  }
}

/** Opens and drains until all is drained or the process died at that call. */
const drainUntilDead = async (disk: FaultyDisk, at: number): Promise<void> => {
  const station = await openStation(disk).catch(() => undefined) // it died while it opened
  while (station !== undefined && station.spool.waiting > 0 && disk.calls <= at) {
    await new Promise(setImmediate)
  }
  await station?.close()
}

const [recording, draining] = [await outcomeOf(whileRecording), await outcomeOf(whileDraining)]

describe('spool faults', () => {
  it('keeps every acknowledged event once, whatever call fails while recording', recording)
  it('loses and repeats nothing when a drain is cut off at any call', draining)
})
