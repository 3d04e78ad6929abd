import { messageOf } from '../platform/errors.ts'
import { removeExpired } from './store/access-keys.ts'
import type { StoreContext } from './store/context.ts'
import type { IdentityTelemetry } from './telemetry.ts'

/** How often expired sessions are looked for. */
export const SWEEP_INTERVAL_MS = 600_000
/** An expired session stays so long, so that its user is told ExpiredToken, not "unknown key". */
export const EXPIRED_KEPT_MS = 24 * 3_600_000

export interface SessionSweep {
  /** Ends the sweep; resolves when a round under way is over. */
  close(): Promise<void>
}

export const startSessionSweep = (
  context: StoreContext,
  telemetry?: IdentityTelemetry,
): SessionSweep => {
  const { clock, logger } = context
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await clock.sleep(SWEEP_INTERVAL_MS, stop.signal)
      } catch (error) {
        if (stop.signal.aborted) return
        throw error
      }
      try {
        const removed = await removeExpired(context, clock.now() - EXPIRED_KEPT_MS)
        telemetry?.expiredSessions.inc(removed)
        if (removed > 0) logger.debug({ removed }, 'expired sessions removed')
      } catch (error) {
        logger.warn({ reason: messageOf(error) }, 'expired sessions could not be removed')
      }
    }
  }
  const running = run()
  return {
    close: async () => {
      stop.abort()
      await running
    },
  }
}
