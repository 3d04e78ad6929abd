/** Captured calls for tests, from as little as a test wants to say. */
import type {
  CallIdentity,
  CapturedAnswer,
  CapturedCall,
  RequestHead,
} from '../../src/capture/call.ts'

export interface HeadFacts {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const headOf = ({
  method = 'POST',
  path = '/',
  query = '',
  headers = {},
}: HeadFacts): RequestHead => ({
  method,
  rawPath: path,
  rawQuery: query,
  headers: { host: '127.0.0.1:4600', ...headers },
})

export const callOf = (
  head: RequestHead,
  identity: CallIdentity,
  body: Buffer | undefined,
  more: Partial<CapturedCall> = {},
): CapturedCall => ({
  head,
  identity,
  body,
  caller: {
    principal: { kind: 'root', account: '210000000001' },
    accessKeyId: 'AKIAEXAMPLE000000001',
  },
  account: '210000000001',
  region: 'eu-west-1',
  eventId: '0b9f5a52-7d0e-4a57-9a43-5d6b2b3f7a10',
  sourceIp: '198.51.100.23',
  signature: { version: 'SigV4', method: 'AuthHeader' },
  startedAt: Date.UTC(2026, 2, 2, 8, 14, 7),
  ...more,
})

export const answerOf = (more: Partial<CapturedAnswer> = {}): CapturedAnswer => ({
  status: 200,
  headers: {},
  body: Buffer.alloc(0),
  bytesIn: 0,
  bytesOut: 0,
  completedAt: Date.UTC(2026, 2, 2, 8, 14, 8),
  ...more,
})
