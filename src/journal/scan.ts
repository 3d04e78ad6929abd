import {
  JournalError,
  type JournalReader,
  type Sequence,
  type Shard,
  type StoredFrame,
} from './journal.ts'

const SCAN_FRAMES = 256
const SCAN_BYTES = 4 * 1024 * 1024

/**
 * Every readable frame of a shard from `from` on, up to (not with) `to`. What is truncated or damaged
 * is stepped over: for searching, not for delivering.
 */
export async function* scanFrames(
  reader: JournalReader,
  shard: Shard,
  from: Sequence,
  to: Sequence,
): AsyncGenerator<StoredFrame> {
  let next = Math.max(from, (await reader.range(shard)).first)
  while (next < to) {
    try {
      const frames = await reader.read(shard, next, Math.min(SCAN_FRAMES, to - next), SCAN_BYTES)
      if (frames.length === 0) return
      yield* frames
      next += frames.length
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      if (error.code !== 'truncated' && error.code !== 'corrupt') throw error
      next = await reader.nextReadable(shard, next)
    }
  }
}
