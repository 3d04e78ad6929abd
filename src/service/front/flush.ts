/** `POST /admin/flush`: the writer does it, also one that is just being started again. */
import type { Clock } from '../../platform/clock.ts'
import { type Channel, ChannelError } from '../../platform/process-channel.ts'

/** A writer that crashed is there again within seconds; recovery of a large history takes longer. */
const WRITER_WAIT_MS_MAX = 60_000
const WRITER_LOOK_MS = 100

/** Rejects with the writer's error, and with `unavailable` where none came up. */
export const flushWriter = async (
  channel: Pick<Channel, 'call'>,
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
): Promise<void> => {
  const deadline = clock.monotonic() + WRITER_WAIT_MS_MAX
  for (;;) {
    try {
      await channel.call('writer', 'flush')
      return
    } catch (error) {
      const isAway = error instanceof ChannelError && error.code === 'unavailable'
      if (!isAway || clock.monotonic() > deadline) throw error
    }
    await clock.sleep(WRITER_LOOK_MS)
  }
}
