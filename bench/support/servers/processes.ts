/** CPU time and memory of processes, from the kernel's accounts (proc(5)); Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of /proc per second: USER_HZ, the same on every architecture Linux supports. */
const TICKS_PER_SECOND = 100

const readProc = (pid: number | string, file: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // The process has ended in the meantime.
    return undefined
  }
}

/** Fields of /proc/PID/stat behind the command name, which may hold blanks; [0] is the state. */
const statOf = (pid: number | string): string[] | undefined => {
  const text = readProc(pid, 'stat')
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** User and system time so far, microseconds. */
export const cpuMicrosOf = (pid: number): number => {
  const stat = statOf(pid)
  if (stat === undefined) throw new Error(`process ${pid} has ended`)
  return ((Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND) * 1e6
}

/** Of the processes that this one started and that have ended, microseconds. */
export const endedCpuMicros = (): number => {
  const stat = statOf('self')
  return ((Number(stat?.[13]) + Number(stat?.[14])) / TICKS_PER_SECOND) * 1e6
}

/** Resident memory, bytes. */
export const residentBytesOf = (pid: number): number => {
  const status = readProc(pid, 'status')
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1]
  if (kib === undefined) throw new Error(`process ${pid} has ended`)
  return Number(kib) * 1024
}

export const openHandlesOf = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    // The process has ended in the meantime.
    return 0
  }
}

/** Direct children that are still running. */
export const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
    .map(Number)

export type Roles = Readonly<Record<'supervisor' | 'front' | 'writer', number>>

/** The processes of the server that was started with `--data FOLDER`. */
export const rolesOf = (data: string): Roles => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const commandOf = (pid: string): string[] => readProc(pid, 'cmdline')?.split('\0') ?? []
  const supervisor = pids.find((pid) => {
    const command = commandOf(pid)
    return command.includes('serve') && command[command.indexOf('--data') + 1] === data
  })
  if (supervisor === undefined) throw new Error(`no server of ${data} is running`)
  const children = pids.filter((pid) => statOf(pid)?.[1] === supervisor)
  const roleOf = (role: string): number => {
    const found = children.find((pid) => commandOf(pid).includes(role))
    if (found === undefined) throw new Error(`the ${role} of ${data} is not running`)
    return Number(found)
  }
  return { supervisor: Number(supervisor), front: roleOf('front'), writer: roleOf('writer') }
}
