/** What the system lets a process have: open files and memory. */
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { openFilesMax } from '../../../platform/open-files.ts'
import {
  type DoctorContext,
  type Finding,
  fail,
  ok,
  type SystemRoots,
  skip,
  warn,
} from '../finding.ts'

/** Files beside the clients' connections: journal, databases, the open days of the history. */
const OWN_FILES = 512
/** Each captured call may hold a connection to its upstream too. */
const SOCKETS_PER_CALL = 2
/** Three processes under load (docs/performance.md). */
const MEMORY_BYTES_NEEDED = 600 * 2 ** 20
/** They do not start with less. */
const MEMORY_BYTES_MIN = 256 * 2 ** 20

/** `limit` undefined: there is none. */
export const judgeOpenFiles = (limit: number | undefined, connections: number): Finding => {
  const needed = OWN_FILES + SOCKETS_PER_CALL * connections
  if (limit === undefined) return ok('no limit of open files')
  const text = `${limit} files may be open; ${connections} connections (--capture-max-connections) need up to ${needed}`
  const todo = `raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd) to ${needed}, or lower --capture-max-connections`
  if (limit < OWN_FILES) return fail(text, todo)
  return limit < needed ? warn(text, todo) : ok(text)
}

const numberIn = (file: string): number | undefined => {
  try {
    const text = readFileSync(file, 'utf8').trim()
    return /^\d+$/.test(text) ? Number(text) : undefined // `max`: no limit
  } catch {
    return undefined // no such controller here
  }
}

/**
 * The lowest memory limit of this process's control groups, version 2 and 1 (cgroups(7)). A container
 * sees its own group at the root.
 */
export const memoryLimitOf = (roots: SystemRoots): number | undefined => {
  const limits: number[] = []
  let lines = ''
  try {
    lines = readFileSync(join(roots.proc, 'self', 'cgroup'), 'utf8')
  } catch {
    return undefined // no Linux
  }
  for (const line of lines.trim().split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const isMemory = controllers.split(',').includes('memory')
    if (controllers !== '' && !isMemory) continue
    const root = join(roots.sys, 'fs', 'cgroup', isMemory ? 'memory' : '')
    const name = isMemory ? 'memory.limit_in_bytes' : 'memory.max'
    const parts = path.split('/').filter((part) => part !== '' && part !== '..')
    for (let depth = 0; depth <= parts.length; depth++) {
      const limit = numberIn(join(root, ...parts.slice(0, depth), name))
      if (limit !== undefined) limits.push(limit)
    }
  }
  return limits.length === 0 ? undefined : Math.min(...limits)
}

const availableIn = ({ proc }: SystemRoots): number | undefined => {
  try {
    const text = readFileSync(join(proc, 'meminfo'), 'utf8')
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]
    return kib === undefined ? undefined : Number(kib) * 1024
  } catch {
    return undefined // no Linux
  }
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/** `bytes`: what the processes together may have. */
export const judgeMemory = (what: string, bytes: number): Finding => {
  const text = `${mib(bytes)} of memory ${what}; Clew needs up to ${mib(MEMORY_BYTES_NEEDED)}`
  const todo = 'give the machine or container more memory'
  if (bytes < MEMORY_BYTES_MIN) return fail(text, todo)
  return bytes < MEMORY_BYTES_NEEDED ? warn(text, todo) : ok(text)
}

const judgeFree = (running: boolean, roots: SystemRoots): Finding => {
  if (running) return skip('free memory: the running server has its share already')
  const available = availableIn(roots)
  return available === undefined
    ? skip('free memory: this system does not say')
    : judgeMemory('is free', available)
}

/** `running`: a server of this folder has its memory already. */
export const checkLimits = ({ config, roots }: DoctorContext, running: boolean): Finding[] => {
  const files = judgeOpenFiles(openFilesMax(), config.capture.maxConnections)
  const limit = memoryLimitOf(roots)
  // Version 1 writes a number near 2^63 for no limit.
  const isLimited = limit !== undefined && limit < totalmem()
  const group = isLimited ? [judgeMemory('for this container or control group', limit)] : []
  return [files, ...group, judgeFree(running, roots)]
}
