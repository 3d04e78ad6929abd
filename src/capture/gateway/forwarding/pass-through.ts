/** Requests that are no AWS calls: an emulator's own control path. Neither verified nor recorded. */
import { rawPayload } from '../../signature/payload/payload-streams.ts'
import type { Exchange } from '../exchange.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { feedBody } from '../request/request-body.ts'
import { relay, upstreamReply } from './relay.ts'

export const passThrough = async (
  context: GatewayContext,
  exchange: Exchange,
  url: URL,
): Promise<void> => {
  const { stream } = rawPayload({ kind: 'unsigned' })
  feedBody(exchange.request, stream, context.limits, (fail) => exchange.readsBody(fail))
  const { answer, drop } = await context.upstreams.send({
    name: 'control',
    url,
    head: exchange.head,
    body: { kind: 'stream', stream },
    signal: exchange.signal,
    repeatable: false,
  })
  try {
    await relay(context, exchange, upstreamReply(answer), {})
  } finally {
    drop()
  }
}
