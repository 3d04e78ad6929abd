/** What the AWS SDK v3 really sends is named right, every operation of three clients. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as cloudtrail from '@aws-sdk/client-cloudtrail'
import * as s3 from '@aws-sdk/client-s3'
import * as sts from '@aws-sdk/client-sts'
import type { RequestHead } from '../call.ts'
import { loadCatalogue, type Operation } from '../catalogue/catalogue.ts'
import { identify } from './identify.ts'

const catalogue = loadCatalogue()
const identified = identify(catalogue)

interface SdkRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string | string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** Thrown instead of sending. */
class Captured extends Error {
  readonly request: SdkRequest
  constructor(request: SdkRequest) {
    super('captured')
    this.request = request
  }
}

const configuration = {
  region: 'eu-west-1',
  endpoint: 'http://127.0.0.1:4600',
  forcePathStyle: true,
  maxAttempts: 1,
  credentials: { accessKeyId: 'AKIAEXAMPLE000000001', secretAccessKey: 'not-a-key' },
  requestHandler: {
    handle: (request: unknown) => Promise.reject(new Captured(request as SdkRequest)),
  },
}

const queryText = (query: SdkRequest['query']): string =>
  Object.entries(query)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value ?? ''))}`)
    .join('&')

const headOfSdk = (request: SdkRequest): RequestHead => ({
  method: request.method,
  rawPath: request.path,
  rawQuery: queryText(request.query),
  headers: Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
  ),
})

/** As the signature says it. */
const scopeOf = ({ headers }: SdkRequest) => {
  const [, , region = '', signingName = ''] =
    /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split('/') ?? []
  return signingName === '' ? undefined : { signingName, region }
}

const bytesOf = (body: SdkRequest['body']): Buffer | undefined => {
  if (body === undefined) return undefined
  return typeof body === 'string' ? Buffer.from(body) : Buffer.copyBytesFrom(body)
}

/** Only what the SDK insists on: labels and required members, by their kinds. */
const inputFor = (operation: Operation): Record<string, unknown> => {
  const required = new Set(operation.required.map((entry) => entry.slice(2)))
  const input: Record<string, unknown> = {}
  for (const member of operation.input?.members ?? []) {
    const { kind } = member.shape()
    if (member.location === 'u') input[member.name] = 'label'
    else if (required.has(member.wire)) input[member.name] = kind === 'integer' ? 1 : 'value'
    else if (kind === 'blob' && operation.input?.payload === member) input[member.name] = 'bytes'
    else if (kind === 'structure' && operation.input?.payload === member) input[member.name] = {}
  }
  return input
}

interface SdkClient {
  send(command: unknown): Promise<unknown>
}

const captured = async (client: SdkClient, command: unknown): Promise<SdkRequest | undefined> => {
  try {
    await client.send(command)
  } catch (error) {
    if (error instanceof Captured) return error.request
    // Refused before anything was sent: an input that the SDK checks further than its model.
  }
  return undefined
}

const clients: [id: string, module: object, client: SdkClient][] = [
  ['s3', s3, new s3.S3Client(configuration) as unknown as SdkClient],
  ['sts', sts, new sts.STSClient(configuration) as unknown as SdkClient],
  [
    'cloudtrail',
    cloudtrail,
    new cloudtrail.CloudTrailClient(configuration) as unknown as SdkClient,
  ],
]

describe('requests of the SDK', () => {
  for (const [id, module, client] of clients) {
    it(id, async (t) => {
      const commands = module as Record<string, (new (input: object) => unknown) | undefined>
      const wrong: string[] = []
      let sent = 0
      for (const operation of catalogue.service(id)?.operations.values() ?? []) {
        const Command = commands[`${operation.name}Command`]
        if (Command === undefined) continue
        const request = await captured(client, new Command(inputFor(operation)))
        if (request === undefined) continue
        sent++
        const found = identified(headOfSdk(request), scopeOf(request), bytesOf(request.body))
        if (found.operation !== operation.name) {
          wrong.push(`${operation.name} → ${found.operation ?? found.eventName}`)
        }
      }
      assert.deepEqual(wrong, [])
      t.diagnostic(`${sent} of ${catalogue.service(id)?.operations.size} operations sent`)
      assert.ok(sent >= (catalogue.service(id)?.operations.size ?? 0) * 0.9)
    })
  }
})
