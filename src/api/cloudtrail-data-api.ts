/**
 * The CloudTrail Data API, REST-JSON: its one operation, PutAuditEvents, writes into channels, which
 * are not built yet. It says so in its own protocol (reference/control-plane.md §0.3, §A.11): the
 * member is `message`, the code is in a header.
 */
import type { BuiltinService } from '../identity/verified-call.ts'

const answer = (requestId: string, status: number, code: string, message: string) => ({
  status,
  headers: {
    'content-type': 'application/json',
    'x-amzn-requestid': requestId,
    'x-amzn-errortype': code,
  },
  body: Buffer.from(JSON.stringify({ message })),
})

export const createCloudTrailDataApi = (): BuiltinService => async (call) => {
  // The event is not read: it goes nowhere.
  if (!Buffer.isBuffer(call.body)) call.body.on('error', () => {}).resume()
  return call.method === 'POST' && call.rawPath === '/PutAuditEvents'
    ? answer(
        call.requestId,
        400,
        'UnsupportedOperationException',
        'PutAuditEvents is not supported: channels are not built yet.',
      )
    : answer(
        call.requestId,
        404,
        'UnknownOperationException',
        'CloudTrail Data has no such operation.',
      )
}
