import type { Clock } from '../../platform/clock.ts'
import {
  createDurably,
  type JournalFile,
  type JournalFiles,
  readAt,
} from '../files/journal-files.ts'
import { JournalError, type Sequence, type Shard } from '../journal.ts'
import { decodeHead, encodeHead, HEAD_BYTES, type Head } from './layout.ts'

export const HEAD_NAME = 'head'

/** How often a waiting reader looks at the head by itself, for where watching a file does not work. */
export const HEAD_POLL_MS = 25

/** A head that is torn by a concurrent write is whole again within microseconds. */
const HEAD_READ_TRIES = 20

/** Writes the head of a shard. The file is not synced: after a power loss it may be old, never new. */
export interface HeadWriter {
  publish(head: Head): Promise<void>
  close(): Promise<void>
}

/** What the head file says, or undefined where there is none or a power loss tore it. */
export const loadHead = async (files: JournalFiles, folder: string): Promise<Head | undefined> => {
  if (!(await files.list(folder)).includes(HEAD_NAME)) return undefined
  const file = await files.open(`${folder}/${HEAD_NAME}`, 'read')
  try {
    return decodeHead(await readAt(file, 0, HEAD_BYTES))
  } finally {
    await file.close()
  }
}

/** Takes over the head file, or creates it with `head`; then publishes `head`. */
export const openHeadWriter = async (
  files: JournalFiles,
  folder: string,
  head: Head,
): Promise<HeadWriter> => {
  const exists = (await files.list(folder)).includes(HEAD_NAME)
  const file = exists
    ? await files.open(`${folder}/${HEAD_NAME}`, 'write')
    : await createDurably(files, folder, HEAD_NAME, [encodeHead(head)])
  const publish = async (next: Head): Promise<void> => {
    // 56 bytes at once, so that readers see the old or the new head; the CRC tells where they do not.
    const written = await file.writev([encodeHead(next)], 0)
    if (written < HEAD_BYTES) throw new Error(`Only ${written} bytes of the head were written.`)
  }
  if (exists) await publish(head)
  return { publish, close: () => file.close() }
}

/** Follows a head file from another process. */
export interface HeadReader {
  read(): Promise<Head>
  /** Resolves when the head's `next` exceeds `next`; rejects with the signal's reason. */
  passed(next: Sequence, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const readHead = async (file: JournalFile, clock: Clock, shard: Shard): Promise<Head> => {
  for (let tries = 0; tries < HEAD_READ_TRIES; tries++) {
    const head = decodeHead(await readAt(file, 0, HEAD_BYTES))
    if (head !== undefined) return head
    await clock.sleep(1)
  }
  throw new JournalError('corrupt', `The head file of shard ${shard} is damaged.`, {
    hint: 'Start the process that appends to the journal: it writes the file anew.',
  })
}

export const openHeadReader = async (
  files: JournalFiles,
  folder: string,
  shard: Shard,
  clock: Clock,
): Promise<HeadReader> => {
  const path = `${folder}/${HEAD_NAME}`
  const file = await files.open(path, 'read')
  const waiters = new Set<() => void>()
  const wake = (): void => {
    for (const waiter of waiters) waiter()
  }
  const watcher = files.watch(path, wake)
  let poll: NodeJS.Timeout | undefined

  /** Resolves at the next sign of a change: the watcher's, or the poll's. */
  const sign = (signal: AbortSignal): { fired: Promise<void>; end: () => void } => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const fire = (): void => resolve()
    waiters.add(fire)
    signal.addEventListener('abort', fire, { once: true })
    poll ??= setInterval(wake, HEAD_POLL_MS)
    const end = (): void => {
      waiters.delete(fire)
      signal.removeEventListener('abort', fire)
      if (waiters.size > 0) return
      clearInterval(poll)
      poll = undefined
    }
    return { fired: promise, end }
  }

  return {
    read: () => readHead(file, clock, shard),
    passed: async (next, signal) => {
      for (;;) {
        signal.throwIfAborted()
        // Listen before looking, so that no change falls between.
        const changed = sign(signal)
        try {
          if ((await readHead(file, clock, shard)).next > next) return
          await changed.fired
        } finally {
          changed.end()
        }
      }
    },
    close: async () => {
      watcher[Symbol.dispose]()
      clearInterval(poll)
      wake()
      await file.close()
    },
  }
}
