/** The machine that figures were measured on. */
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { quantileOf } from '../support/statistics.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  /** Append of 4 KiB and fdatasync in the folder that data folders are made in. */
  readonly syncP50Ms: number
  readonly syncP99Ms: number
}

const SYNCS = 300
const SYNC_BYTES = 4096

/** Type of the file system that `folder` is on; Linux only, otherwise unknown. */
const fileSystemOf = (folder: string): string => {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, place = '']) => folder === place || folder.startsWith(place.replace(/\/?$/, '/')))
    return mounts.sort(([, a = ''], [, b = '']) => b.length - a.length)[0]?.[2] ?? 'unknown'
  } catch {
    // Another system than Linux: the report then says unknown.
    return 'unknown'
  }
}

const syncTimes = (): number[] => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-bench-sync-'))
  const file = openSync(join(folder, 'file'), 'w')
  const block = Buffer.alloc(SYNC_BYTES, 1)
  try {
    return Array.from({ length: SYNCS }, () => {
      const at = performance.now()
      writeSync(file, block)
      fdatasyncSync(file)
      return performance.now() - at
    })
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

export const describeMachine = (): Machine => {
  const times = syncTimes()
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    fileSystem: fileSystemOf(tmpdir()),
    node: process.version,
    syncP50Ms: Number(quantileOf(times, 0.5).toFixed(2)),
    syncP99Ms: Number(quantileOf(times, 0.99).toFixed(2)),
  }
}
