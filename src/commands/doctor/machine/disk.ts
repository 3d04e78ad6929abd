/** Room and speed of the disk below the data folder. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { FULL_SHARE, WARN_SHARE } from '../../../journal/segment/capacity.ts'
import { pathsOf } from '../../../supervisor/data-folder.ts'
import { type DoctorContext, type Finding, fail, ok, skip, warn } from '../finding.ts'
import { isRotational } from './block-device.ts'
import { nearestExisting, withProbeFolder } from './probe-folder.ts'

const GIB = 2 ** 30
/** Below this a busy server is at 95 % within the hour. */
const ROOM_BYTES_MIN = GIB
const INODE_SHARE_MIN = 0.05
const APPENDS = 200
const APPEND_BYTES = 512
/** Disks with a write cache that survives power loss need 0.02 to 2 ms, others up to 15 ms. */
const SYNC_MS_SLOW = 10
const SYNC_P99_MS_SLOW = 50
/** No disk that turns has written anything after this time. */
const SYNC_MS_IMPLAUSIBLE = 0.5

const gib = (bytes: number): string =>
  bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`
const percent = (share: number): string => `${Math.round(share * 100)} %`

export interface Room {
  readonly total: number
  readonly free: number
  /** Share of the inodes that are free; undefined where the file system counts none. */
  readonly inodes: number | undefined
}

/** `what`: whose room it is, for people. */
export const judgeRoom = (what: string, { total, free, inodes }: Room): Finding[] => {
  const used = total === 0 ? 0 : (total - free) / total
  const room = Math.max(0, free - total * (1 - FULL_SHARE))
  const text = `${what} is ${percent(used)} full, ${gib(room)} until the journal takes no more`
  const more = 'give it space, or put the data folder on a larger disk with --data'
  const findings = [
    used >= FULL_SHARE
      ? fail(`${text}: management writes are refused`, more)
      : used >= WARN_SHARE || room < ROOM_BYTES_MIN
        ? warn(text, more)
        : ok(text),
  ]
  if (inodes !== undefined && inodes < INODE_SHARE_MIN) {
    findings.push(warn(`${what} has ${percent(inodes)} of its inodes left`, 'remove small files'))
  }
  return findings
}

/** `bytes`: what the journal's segments take now. */
export const judgeJournal = (bytes: number, maxBytes: number): Finding => {
  const used = bytes / maxBytes
  const text = `the journal uses ${gib(bytes)} of journal.maxBytes (${gib(maxBytes)})`
  const todo =
    'raise --journal-max-bytes, shorten --journal-retention, or see which consumer lags (clew_consumer_lag_seconds)'
  if (used >= FULL_SHARE) return fail(`${text}: management writes are refused`, todo)
  return used >= WARN_SHARE ? warn(text, todo) : ok(text)
}

const roomOf = async (folder: string): Promise<Room> => {
  const { blocks, bavail, bsize, files, ffree } = await statfs(folder)
  const inodes = files === 0 ? undefined : ffree / files
  return { total: blocks * bsize, free: bavail * bsize, inodes }
}

const bytesBelow = (folder: string): number =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        // A segment may be truncated away while this reads.
        .reduce((sum, { parentPath, name }) => {
          const facts = statSync(join(parentPath, name), { throwIfNoEntry: false })
          return sum + (facts?.size ?? 0)
        }, 0)
    : 0

/** Milliseconds at a share of the sorted times. */
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const measureSync = async (folder: string, now: () => number): Promise<number[]> => {
  const handle = await open(join(folder, 'appends'), 'wx', 0o600)
  const times: number[] = []
  const bytes = Buffer.alloc(APPEND_BYTES, 1)
  try {
    for (let index = 0; index < APPENDS; index++) {
      const started = now()
      await handle.write(bytes)
      await handle.datasync()
      times.push(now() - started)
    }
  } finally {
    await handle.close()
  }
  return times.sort((a, b) => a - b)
}

/** `times`: milliseconds, ascending. `rotational` undefined: the system does not say. */
export const judgeSync = (times: readonly number[], rotational: boolean | undefined): Finding => {
  const [p50, p99] = [at(times, 0.5), at(times, 0.99)]
  const text = `fdatasync after a small append takes ${p50.toFixed(2)} ms (p50), ${p99.toFixed(2)} ms (p99)`
  if (rotational === true && p50 < SYNC_MS_IMPLAUSIBLE) {
    return warn(
      `${text}: too fast for a disk that turns, a cache answers for it`,
      'make sure that the cache survives a power loss, or turn it off',
    )
  }
  if (p50 > SYNC_MS_SLOW || p99 > SYNC_P99_MS_SLOW) {
    return warn(
      `${text}: a management write waits for two of them`,
      'use a local SSD or NVMe disk; many clients at once share one (group commit), a single one does not',
    )
  }
  return ok(text)
}

export const checkDisk = async ({ config, clock, roots }: DoctorContext): Promise<Finding[]> => {
  const { data } = config
  const near = nearestExisting(data)
  const findings = judgeRoom('the disk of the data folder', await roomOf(near))
  findings.push(judgeJournal(bytesBelow(pathsOf(data).journal), config.journal.maxBytes))
  const spool = nearestExisting(config.spool.folder ?? pathsOf(data).spool)
  if (statSync(spool).dev === statSync(near).dev) {
    findings.push(
      ok(
        'the spool lies on the same disk as the journal',
        'on another one (--spool-folder) it takes events also when this one is full',
      ),
    )
  } else findings.push(...judgeRoom('the disk of the spool', await roomOf(spool)))
  if (near !== data) return [...findings, skip('speed of the disk: the folder is not there yet')]
  const times = await withProbeFolder(data, (folder) => measureSync(folder, clock.monotonic))
  return [...findings, judgeSync(times, isRotational(data, roots))]
}
