/** Handing a verified call to a service that Clew itself answers. */
import type { Readable } from 'node:stream'
import type {
  BuiltinService,
  ServiceAnswer,
  VerifiedCall,
} from '../../../identity/verified-call.ts'
import type { CapturedCall } from '../../call.ts'
import type { Exchange } from '../exchange.ts'
import type { WireHead } from '../request/wire-head.ts'

export interface DecodedBody {
  readonly stream: Buffer | Readable
  readonly trailers: Readonly<Record<string, string>>
}

/** `head`: S3 in path style. */
export const callBuiltin = (
  service: BuiltinService,
  exchange: Exchange,
  call: CapturedCall,
  head: WireHead,
  body: DecodedBody,
): Promise<ServiceAnswer> => {
  const verified: VerifiedCall = {
    caller: call.caller,
    account: call.account,
    region: call.region,
    ...(call.identity.operation !== undefined && { operation: call.identity.operation }),
    method: head.method,
    rawPath: head.rawPath,
    rawQuery: head.rawQuery,
    headers: head.headers,
    body: body.stream,
    trailers: () => body.trailers,
    requestId: exchange.requestId,
    eventId: call.eventId,
    sourceIp: call.sourceIp,
    secureTransport: call.tls !== undefined,
    signal: exchange.signal,
  }
  return service(verified)
}

/** Every answer of ours names its request, in the header of its family. */
export const withRequestId = (
  headers: Readonly<Record<string, string>>,
  exchange: Exchange,
  protocol: string,
): Record<string, string> => {
  const s3 = protocol === 'rest-xml'
  const given = headers['x-amz-request-id'] ?? headers['x-amzn-requestid']
  if (given !== undefined) return { ...headers }
  return { ...headers, [s3 ? 'x-amz-request-id' : 'x-amzn-requestid']: exchange.requestId }
}
