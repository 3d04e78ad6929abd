import type { Sequence } from '../journal.ts'

/** An hour at one sample a second; a longer lag shows as an hour and more. */
const SAMPLES_MAX = 3_600

/** Remembers when the head of a shard was where, to say how old the first frame not yet taken is. */
export interface HeadClock {
  readonly head: Sequence
  sample(head: Sequence, now: number): void
  /** 0 where `position` has reached the head. */
  lagMs(position: Sequence, now: number): number
}

export const createHeadClock = (): HeadClock => {
  const samples: { head: Sequence; at: number }[] = []
  return {
    get head() {
      return samples.at(-1)?.head ?? 0
    },
    sample: (head, now) => {
      if (samples.at(-1)?.head === head) return
      samples.push({ head, at: now })
      if (samples.length > SAMPLES_MAX) samples.shift()
    },
    lagMs: (position, now) => {
      const first = samples.find((sample) => sample.head > position)
      return first === undefined ? 0 : Math.max(0, now - first.at)
    },
  }
}
