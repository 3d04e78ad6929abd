/** How the files that the process may have open are shared out. */
import type { GatewayLimits } from '../gateway-options.ts'

/** Journal, spool, history, objects, documents, pipes, the console port. */
const FILES_KEPT = 384
/** Connections above the limit that are told so; more are not accepted. */
const SURPLUS_MAX = 1_024

export interface ConnectionBudget {
  /** Connections of clients that are served. */
  readonly served: number
  /** Connections above these that are accepted in order to be told. */
  readonly surplus: number
  /** Connections to one upstream; twice as many to all of them. */
  readonly upstream: number
}

/**
 * `filesMax`: files and sockets that the process may have open, undefined for no limit. Where they
 * do not suffice, the sockets get less, so that the journal can always open its next file.
 */
export const connectionBudget = (
  limits: Pick<GatewayLimits, 'connectionsMax' | 'upstreamSocketsMax'>,
  filesMax: number | undefined,
): ConnectionBudget => {
  const { connectionsMax, upstreamSocketsMax } = limits
  const left = Math.max(0, (filesMax ?? Number.POSITIVE_INFINITY) - FILES_KEPT)
  const share = (part: number, wanted: number): number =>
    Math.max(1, Math.min(wanted, Math.floor(left * part)))
  return {
    served: share(0.5, connectionsMax),
    surplus: share(0.1, SURPLUS_MAX),
    upstream: share(0.2, upstreamSocketsMax),
  }
}
