/** The smallest HTTP server in front of a built-in service: for SDK clients in tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BuiltinService } from '../../identity/verified-call.ts'
import { uuid } from '../../platform/ids.ts'
import { ACCOUNT, bodyOf, ROOT } from './api-fixture.ts'

/** The region of the credential scope; signatures are the gateway's business. */
const regionOf = (authorization: string): string =>
  /Credential=[^/]+\/\d{8}\/(?<region>[^/]+)\//.exec(authorization)?.groups?.region ?? 'us-east-1'

const answerCall = async (
  service: BuiltinService,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  const [rawPath = '/', rawQuery = ''] = (request.url ?? '/').split('?')
  const answer = await service({
    caller: ROOT,
    account: ACCOUNT,
    region: regionOf(headers.authorization ?? ''),
    method: request.method ?? 'GET',
    rawPath,
    rawQuery,
    headers,
    body: request,
    trailers: () => ({}),
    requestId: uuid(),
    eventId: uuid(),
    sourceIp: '127.0.0.1',
    secureTransport: false,
    signal: new AbortController().signal,
  })
  response.writeHead(answer.status, answer.headers).end(await bodyOf(answer))
}

export interface HttpAdapter extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string
}

export const serveOverHttp = async (service: BuiltinService): Promise<HttpAdapter> => {
  const server = createServer((request, response) => {
    answerCall(service, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
