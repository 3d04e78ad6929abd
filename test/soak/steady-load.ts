/**
 * Load at a fixed rate for a long time: memory and handles of each process, and the sizes of what is
 * on disk, watched; afterwards every acknowledged call must be there once.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type ClewServer,
  makeDataFolder,
  removeFolder,
  startClew,
} from '../conformance/clew-server.ts'
import { newAcknowledged, setUp } from './callers.ts'
import { isClean, judge, type Verdict } from './judge.ts'
import { mixedCall } from './mixed-calls.ts'
import { factsOf, rolesOf } from './processes.ts'
import { type Judged, judgeSeries, type Sample } from './series.ts'
import { openCallClient } from './signed-call.ts'

export interface LoadReport extends Verdict {
  readonly minutes: number
  readonly callsPerSecond: number
  readonly calls: { readonly sent: number; readonly refused: number; readonly late: number }
  readonly series: readonly Judged[]
  /** Series that grew beyond their bound. */
  readonly grew: readonly string[]
}

const SAMPLE_EVERY_MS = 10_000
/** A short run has as many samples at least. */
const SAMPLES_MIN = 60
const TICK_MS = 20
const CONNECTIONS = 32
/** More calls under way than this: the server is behind, and the schedule waits. */
const UNDER_WAY_MAX = 256

const bytesBelow = (folder: string): number => {
  let sum = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    // A file may be gone between the listing and this.
    sum += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}

const FOLDERS = ['journal', 'history', 'spool', 'objects', 'delivery']

const takeSample = (clew: ClewServer, seconds: number): Sample => {
  const values: Record<string, number> = {}
  for (const [role, pid] of Object.entries(rolesOf(clew.data))) {
    const facts = factsOf(pid)
    if (facts === undefined) continue
    values[`${role} memory`] = facts.residentBytes
    values[`${role} handles`] = facts.handles
  }
  for (const name of FOLDERS) {
    try {
      values[`${name} on disk`] = bytesBelow(join(clew.data, name))
    } catch {
      values[`${name} on disk`] = 0 // the folder is not there (yet)
    }
  }
  return { seconds, values }
}

/** `told`: one line per sample. The folder is kept when something is wrong. */
export const runSteadyLoad = async (options: {
  minutes: number
  callsPerSecond: number
  told?: (line: string) => void
}): Promise<LoadReport> => {
  const { minutes, callsPerSecond } = options
  const data = makeDataFolder()
  const clew = await startClew({ data, environment: { CLEW_LOG_LEVEL: 'warn' } })
  const acknowledged = newAcknowledged()
  const client = openCallClient(CONNECTIONS)
  const samples: Sample[] = []
  const calls = { sent: 0, refused: 0, late: 0 }
  let underWay = 0
  const send = async (turn: number): Promise<void> => {
    const call = mixedCall(turn)
    underWay++
    try {
      const { status, requestId } = await client.send(clew, call)
      if (status < 500) acknowledged[call.category].add(requestId)
      else calls.refused++
    } catch {
      calls.refused++ // no answer: not acknowledged
    }
    underWay--
  }
  try {
    await setUp(clew, acknowledged)
    const started = performance.now()
    const elapsed = (): number => (performance.now() - started) / 1000
    let sampleAt = 0
    while (elapsed() < minutes * 60) {
      const due = Math.floor(elapsed() * callsPerSecond)
      while (calls.sent + calls.late < due) {
        if (underWay < UNDER_WAY_MAX) void send(calls.sent++)
        else calls.late++ // not sent at all: the rate is what the server took
      }
      if (elapsed() * 1000 >= sampleAt) {
        const sample = takeSample(clew, elapsed())
        samples.push(sample)
        sampleAt += Math.min(SAMPLE_EVERY_MS, (minutes * 60_000) / SAMPLES_MIN)
        options.told?.(
          `${sample.seconds.toFixed(0)} s, ${calls.sent} calls, ${calls.refused} refused, ${calls.late} left out`,
        )
      }
      await delay(TICK_MS)
    }
    while (underWay > 0) await delay(TICK_MS)
    samples.push(takeSample(clew, elapsed()))
    const verdict = await judge(clew, acknowledged)
    const { series, grew } = judgeSeries(samples)
    if (isClean(verdict) && grew.length === 0) removeFolder(data)
    else process.stderr.write(`The data folder is kept: ${data}\n`)
    return { ...verdict, minutes, callsPerSecond, calls, series, grew }
  } finally {
    client[Symbol.dispose]()
    await clew.kill()
  }
}
