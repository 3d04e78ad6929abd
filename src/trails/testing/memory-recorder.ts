/** A journal of control frames for tests: several shards, the ids of two minutes ago, failures. */
import type { ControlFrame } from '../../journal/frame.ts'
import { JournalError } from '../../journal/journal.ts'
import type { EventRecorder } from '../../journal/recorder.ts'
import type { TrailChange } from '../trail.ts'

export interface MemoryRecorder extends Pick<EventRecorder, 'control'> {
  readonly shards: readonly (readonly ControlFrame[])[]
  /** The changes of the first shard, in order. */
  changes(): TrailChange[]
  /** The next `count` frames are refused, as by a journal that is full. */
  refuse(count: number): void
}

export const createMemoryRecorder = (shardCount = 2): MemoryRecorder => {
  const shards: ControlFrame[][] = Array.from({ length: shardCount }, () => [])
  const ids = new Set<string>()
  let refusals = 0
  return {
    shards,
    changes: () => (shards[0] ?? []).map(({ payload }) => JSON.parse(payload) as TrailChange),
    refuse: (count) => {
      refusals = count
    },
    control: async (frame, id) => {
      // As durable as it gets here, and never in the same turn as the call.
      await new Promise((resolve) => setImmediate(resolve))
      if (refusals > 0) {
        refusals--
        throw new JournalError('full', 'The journal is full.')
      }
      if (ids.has(id)) return
      ids.add(id)
      for (const shard of shards) shard.push(frame)
    },
  }
}
