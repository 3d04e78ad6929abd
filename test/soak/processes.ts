/** The processes of one server, found by its data folder in /proc; Linux only. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCodeOf } from '../../src/platform/errors.ts'

export type RoleName = 'supervisor' | 'front' | 'writer'

const read = (pid: string, file: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined // the process has ended meanwhile
  }
}

const parentOf = (pid: string): string | undefined =>
  read(pid, 'stat')?.replace(/^.*\) \S+ (\d+) .*$/s, '$1')

/** Who runs now. */
export const rolesOf = (data: string): Partial<Record<RoleName, number>> => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const words = new Map(pids.map((pid) => [pid, read(pid, 'cmdline')?.split('\0') ?? []]))
  const supervisor = pids.find((pid) => {
    const command = words.get(pid) ?? []
    return command.includes('serve') && command[command.indexOf('--data') + 1] === data
  })
  if (supervisor === undefined) return {}
  const child = (role: string): number | undefined => {
    const found = pids.find((pid) => words.get(pid)?.includes(role) && parentOf(pid) === supervisor)
    return found === undefined ? undefined : Number(found)
  }
  const [front, writer] = [child('front'), child('writer')]
  return {
    supervisor: Number(supervisor),
    ...(front === undefined ? {} : { front }),
    ...(writer === undefined ? {} : { writer }),
  }
}

/** Sends a signal to one process of the server; false where it is not there (any more). */
export const signalRole = (data: string, role: RoleName, signal: NodeJS.Signals): boolean => {
  const pid = rolesOf(data)[role]
  if (pid === undefined) return false
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false
    throw error
  }
}

const LOOK_EVERY_MS = 20

/** Resolves when `holds` does; rejects after `msMax`. */
export const until = async (what: string, holds: () => boolean, msMax = 60_000): Promise<void> => {
  const deadline = performance.now() + msMax
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${msMax} ms`)
    await delay(LOOK_EVERY_MS)
  }
}

export interface ProcessFacts {
  readonly residentBytes: number
  readonly handles: number
}

export const factsOf = (pid: number): ProcessFacts | undefined => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(read(String(pid), 'status') ?? '')?.[1]
  if (kib === undefined) return undefined
  try {
    return { residentBytes: Number(kib) * 1024, handles: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return undefined // it ended between the two reads
  }
}
