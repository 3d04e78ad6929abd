/** What the gateway does with answers that carry credentials (reference/capture.md §4). */
import type { CapturedAnswer, CapturedCall } from '../../capture/call.ts'
import type { Learn } from '../../capture/gateway/gateway-options.ts'
import type { Identities } from '../../identity/identities.ts'
import { type Answer, federationCallerOf, learnFromAnswer } from '../../identity/learn.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'

const answerOf = (
  call: CapturedCall,
  body: Buffer,
  at: { clock: Clock; logger: Logger },
): Answer => ({
  signingName: call.identity.signingName,
  operation: call.identity.operation ?? '',
  request: call.head.method === 'GET' ? call.head.rawQuery : (call.body?.toString() ?? ''),
  body,
  caller: call.caller,
  account: call.account,
  now: at.clock.now(),
  logger: at.logger,
})

/** The built-in STS has remembered its sessions itself; only upstreams teach something new. */
export const createLearning =
  (options: {
    identities: Identities
    isBuiltin: (signingName: string) => boolean
    clock: Clock
    logger: Logger
  }): Learn =>
  async (call: CapturedCall, answer: CapturedAnswer, wholeBody: Buffer) => {
    if (answer.status >= 300 || options.isBuiltin(call.identity.signingName)) return undefined
    const read = answerOf(call, wholeBody, options)
    await options.identities.remember(learnFromAnswer(read))
    return federationCallerOf(read)
  }
