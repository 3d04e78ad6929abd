/** Callers that send the mixed calls in turn and keep the request id of every whole answer. */
import type { ClewServer } from '../conformance/clew-server.ts'
import type { Acknowledged } from './judge.ts'
import { mixedCall, setupCalls } from './mixed-calls.ts'
import { openCallClient, type Place } from './signed-call.ts'

export const newAcknowledged = (): { management: Set<string>; data: Set<string> } => ({
  management: new Set(),
  data: new Set(),
})

/** Buckets and trails; rejects when a call fails. */
export const setUp = async (clew: Place, acknowledged: Acknowledged): Promise<void> => {
  using client = openCallClient(1)
  let logging = false
  for (const call of setupCalls()) {
    const { status, requestId } = await client.send(clew, call)
    if (status >= 300) throw new Error(`${call.path} ${call.body}: ${status}`)
    // Calls before the trail logs are not delivered, that of StartLogging itself is.
    logging ||= call.body?.includes('"Name":"main"}') === true
    if (logging) acknowledged[call.category].add(requestId)
  }
}

export interface Callers {
  /** Calls that were answered with less than 500. */
  readonly answered: () => number
  /** Calls that were refused (503) or broken off. */
  readonly failed: () => number
  /** Ends when the calls under way have ended. */
  stop(): Promise<void>
}

/** A broken connection is tried again soon, but not in a busy loop. */
const PAUSE_AFTER_FAILURE_MS = 25

/**
 * `turn` numbers the calls over all rounds. `stopAtFailure`: a caller ends at its first broken call,
 * because the server was killed for good.
 */
export const startCallers = (
  clew: ClewServer,
  acknowledged: Acknowledged,
  options: {
    readonly callers: number
    readonly turn: { next: number }
    readonly stopAtFailure: boolean
  },
): Callers => {
  const client = openCallClient(options.callers)
  let stopping = false
  let answered = 0
  let failed = 0
  const caller = async (): Promise<void> => {
    while (!stopping) {
      const call = mixedCall(options.turn.next++)
      try {
        const { status, requestId } = await client.send(clew, call)
        if (status < 500) {
          acknowledged[call.category].add(requestId)
          answered++
          continue
        }
        failed++
      } catch {
        failed++ // the server was killed under this call: it was not acknowledged
        if (options.stopAtFailure) return
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS))
    }
  }
  const running = Promise.all(Array.from({ length: options.callers }, caller))
  return {
    answered: () => answered,
    failed: () => failed,
    stop: async () => {
      stopping = true
      await running
      client[Symbol.dispose]()
    },
  }
}
