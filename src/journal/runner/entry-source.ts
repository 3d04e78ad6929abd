import type { Logger } from '../../platform/logger.ts'
import type { Entry } from '../consumer.ts'
import type { Frame } from '../frame.ts'
import { decodeFrame, FrameCodecError } from '../frame-codec.ts'
import { JournalError, type JournalReader, type Sequence, type Shard } from '../journal.ts'

/** Texts of the decoded entries that consumers at the same place share. */
export const CACHE_BYTES_MAX = 16 * 1024 * 1024

const textBytesOf = (frame: Frame): number => {
  if (frame.kind === 'control') return frame.payload.length
  const items = frame.kind === 'events' ? frame.events : frame.intents
  return items.reduce((sum, item) => sum + item.text.length, 0)
}

/** What a follower gets: entries, or that it must go on at another place. */
export type Step =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'skip'; readonly to: Sequence; readonly reason: 'truncated' | 'corrupt' }

export interface EntrySource {
  /**
   * Entries from `from` on; none at the end. What cannot be read is told as a skip to the next place
   * that can. Rejects where a repetition may help (a failing disk) or a person must (a newer version).
   */
  read(shard: Shard, from: Sequence, frames: number, bytesMax: number): Promise<Step>
}

interface Cached {
  readonly entry: Entry
  readonly bytes: number
}

/** Decodes each frame once for all consumers that follow closely behind each other. */
export const createEntrySource = (journal: JournalReader, logger: Logger): EntrySource => {
  const cache = new Map<string, Cached>()
  const underWay = new Map<string, Promise<Step>>()
  let cachedBytes = 0

  const keep = (key: string, cached: Cached): void => {
    if (cached.bytes > CACHE_BYTES_MAX) return
    cachedBytes += cached.bytes - (cache.get(key)?.bytes ?? 0)
    cache.set(key, cached)
    for (const [oldest, each] of cache) {
      if (cachedBytes <= CACHE_BYTES_MAX) break
      cache.delete(oldest)
      cachedBytes -= each.bytes
    }
  }

  const fromCache = (shard: Shard, from: Sequence, frames: number, bytesMax: number): Entry[] => {
    const entries: Entry[] = []
    let bytes = 0
    while (entries.length < frames && (bytes < bytesMax || entries.length === 0)) {
      const cached = cache.get(`${shard}/${from + entries.length}`)
      if (cached === undefined) break
      entries.push(cached.entry)
      bytes += cached.bytes
    }
    return entries
  }

  const fetch = async (
    shard: Shard,
    from: Sequence,
    frames: number,
    bytesMax: number,
  ): Promise<Step> => {
    try {
      const entries: Entry[] = []
      for (const { sequence, bytes } of await journal.read(shard, from, frames, bytesMax)) {
        try {
          const entry = { shard, sequence, frame: decodeFrame(bytes) }
          keep(`${shard}/${sequence}`, { entry, bytes: textBytesOf(entry.frame) })
          entries.push(entry)
        } catch (error) {
          if (!(error instanceof FrameCodecError) || error.code === 'newer-version') throw error
          if (entries.length > 0) break
          logger.error({ shard, sequence, error: error.message }, 'A frame has no known form.')
          return { kind: 'skip', to: sequence + 1, reason: 'corrupt' }
        }
      }
      return { kind: 'entries', entries }
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      if (error.code !== 'truncated' && error.code !== 'corrupt') throw error
      // `nextReadable` of a sequence below the first answers the first, or behind it.
      return { kind: 'skip', to: await journal.nextReadable(shard, from), reason: error.code }
    }
  }

  return {
    read: async (shard, from, frames, bytesMax) => {
      const entries = fromCache(shard, from, frames, bytesMax)
      if (entries.length > 0) return { kind: 'entries', entries }
      const key = `${shard}/${from}`
      let step = underWay.get(key)
      if (step === undefined) {
        step = fetch(shard, from, frames, bytesMax).finally(() => underWay.delete(key))
        underWay.set(key, step)
      }
      return step
    },
  }
}
