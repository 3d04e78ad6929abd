/**
 * A body must keep coming: at least so many bytes in every span of time. A limit on the whole would
 * end honest uploads of gigabytes over slow lines; one on silence alone lets a client hold a
 * connection for ever with a byte a minute.
 */
import type { IncomingMessage } from 'node:http'
import type { GatewayLimits } from '../gateway-options.ts'

export interface PaceOptions {
  readonly limits: Pick<GatewayLimits, 'bodyIdleMs' | 'bodyBytesPerSecondMin'>
  /** The body may take this long in all; absent: any time. */
  readonly totalMs?: number
  /** The client was too slow. */
  readonly tooSlow: () => void
  /** True while the client is kept from sending. */
  readonly heldUp?: () => boolean
  /** The client was kept from sending for a whole span: whoever takes the body stands still. */
  readonly stuck?: () => void
}

/** Watches until the returned function is called. Bytes count as they came over the wire. */
export const watchPace = (request: IncomingMessage, options: PaceOptions): (() => void) => {
  const { limits, totalMs = Number.POSITIVE_INFINITY, tooSlow, heldUp, stuck } = options
  const spanMs = Math.min(limits.bodyIdleMs, totalMs)
  const least = Math.max(1, (limits.bodyBytesPerSecondMin * spanMs) / 1000)
  const { socket } = request
  let seen = socket.bytesRead
  let spans = 0
  const timer = setInterval(() => {
    const came = socket.bytesRead - seen
    seen = socket.bytesRead
    spans++
    if (spans * spanMs >= totalMs) tooSlow()
    else if (came >= least) return
    else if (heldUp?.() !== true) tooSlow()
    else if (came === 0) stuck?.()
  }, spanMs)
  return () => clearInterval(timer)
}
