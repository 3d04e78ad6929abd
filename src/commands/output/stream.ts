/** Writes to a stream at the pace of whoever reads it, and notices when that one has gone. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { systemCodeOf } from '../../platform/errors.ts'

export interface Output {
  /** Resolves when more may be written; false once nobody reads any more (EPIPE). */
  write(chunk: string | Uint8Array): Promise<boolean>
}

export const createOutput = (stream: Writable): Output => {
  let failure: Error | undefined
  const failed = (error: Error): void => {
    failure = error
  }
  // For good: a pipe may report its end after the last write, when nobody asks any more.
  stream.on('error', failed)
  const isOpen = (): boolean => {
    if (failure === undefined) return !stream.destroyed
    if (systemCodeOf(failure) === 'EPIPE') return false
    throw failure
  }
  return {
    write: async (chunk) => {
      if (!isOpen()) return false
      if (!stream.write(chunk)) {
        // `close` comes instead of `drain` when the reader goes away.
        const stop = new AbortController()
        const { signal } = stop
        try {
          await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })])
        } catch {
          // `once` rejects with the stream's error, which `failed` has kept for isOpen.
        } finally {
          stop.abort()
        }
      }
      return isOpen()
    },
  }
}
