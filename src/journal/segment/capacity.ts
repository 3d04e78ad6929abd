import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { JournalFiles } from '../files/journal-files.ts'
import { JournalError } from '../journal.ts'

/** Shares of `maxBytes` or of the disk: a warning, and nothing more is taken (DESIGN.md §4). */
export const WARN_SHARE = 0.9
export const FULL_SHARE = 0.95
/** How old the knowledge of the disk may be. */
export const STATFS_INTERVAL_MS = 1_000

export interface Capacity {
  /** Bytes of all segment files. */
  readonly bytes: number
  /** Asks the file system again where the last answer is too old. Never rejects. */
  refresh(): Promise<void>
  /** Throws JournalError `full` where `more` bytes would reach 95 % of the limit or of the disk. */
  claim(more: number): void
  /** Segment files grew or shrank. */
  grew(bytes: number): void
}

/** Watches over the room that a journal's shards share. */
export const createCapacity = (options: {
  files: JournalFiles
  folder: string
  maxBytes: number
  /** Share of the disk at which nothing more is taken. */
  diskFullShare: number
  clock: Clock
  logger: Logger
}): Capacity => {
  const { files, folder, maxBytes, clock, logger, diskFullShare } = options
  let bytes = 0
  let disk = { total: 0, free: 0 }
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  let warned = false
  let blind = false

  const ask = async (): Promise<void> => {
    try {
      disk = await files.statfs(folder)
      blind = false
    } catch (error) {
      // Without an answer the write itself will tell (ENOSPC); one warning is enough.
      if (!blind) logger.warn({ error: messageOf(error) }, 'Cannot ask for the free disk space.')
      blind = true
    }
    askedAt = clock.monotonic()
    asking = undefined
  }

  /** As shares of what may be used before nothing more is taken: 1 is full. */
  const used = (more: number): number => {
    const ofLimit = (bytes + more) / maxBytes / FULL_SHARE
    const ofDisk = disk.total === 0 ? 0 : (disk.total - disk.free + more) / disk.total
    return Math.max(ofLimit, ofDisk / diskFullShare)
  }

  return {
    get bytes() {
      return bytes
    },
    refresh: async () => {
      if (clock.monotonic() - askedAt < STATFS_INTERVAL_MS) return
      asking ??= ask()
      await asking
    },
    claim: (more) => {
      const share = used(more)
      if (share < WARN_SHARE / FULL_SHARE) warned = false
      else if (!warned) {
        warned = true
        const facts = { journalBytes: bytes, maxBytes, diskFreeBytes: disk.free }
        logger.warn(facts, 'The journal has used 90 % of its limit or of the disk.')
      }
      if (share >= 1) {
        throw new JournalError(
          'full',
          'The journal has reached 95 % of its limit or of the disk.',
          {
            hint: 'Raise journal.maxBytes, free disk space, or see which consumer lags (metrics, /readyz).',
          },
        )
      }
    },
    grew: (more) => {
      bytes += more
    },
  }
}
