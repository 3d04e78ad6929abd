/**
 * Group commit with siblings, as PostgreSQL's `commit_delay` and `commit_siblings`: while many calls
 * are under way, a commit waits a moment for their events. A commit costs the process about as much
 * for one event as for twenty, so that under load this buys calls per second; a call by itself never
 * waits.
 */

/** The calls that the gateway serves now. */
export interface CallsUnderWay {
  count: number
}

/** Fewer calls than this are not worth a wait. */
export const SIBLINGS_MIN = 4
/** Far below what a queue of SIBLINGS_MIN calls takes by itself. */
export const SIBLINGS_WAIT_MS = 2

/** Half of the calls together halve the commits at least; the rest may wait for slow upstreams. */
const enoughOf = (calls: CallsUnderWay): number => Math.ceil(calls.count / 2)

/** Resolves when half of the calls under way wait in the lane, or after SIBLINGS_WAIT_MS. */
export const gatherSiblings = async (
  lane: { joined: () => void },
  calls: CallsUnderWay,
  waiting: () => number,
): Promise<void> => {
  if (calls.count < SIBLINGS_MIN || waiting() >= enoughOf(calls)) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, SIBLINGS_WAIT_MS)
  lane.joined = () => {
    if (waiting() >= enoughOf(calls)) resolve()
  }
  await promise
  clearTimeout(timer)
  lane.joined = () => {}
}
