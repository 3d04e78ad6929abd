/** The built-in STS behind HTTP, with a root key, a user and AWS's own client. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts'
import type { Caller } from '../../../event/principal.ts'
import { createKey } from '../../../identity/store/access-keys.ts'
import { saveRole, saveUser } from '../../../identity/store/principals.ts'
import type { PlainKey } from '../../../identity/store/secrets.ts'
import {
  createIdentityFixture,
  type IdentityFixture,
} from '../../../identity/testing/identity-fixture.ts'
import type { BuiltinService, VerifiedCall } from '../../../identity/verified-call.ts'
import { createBuiltinSts } from '../sts.ts'

export const ACCOUNT = '123456789012'
export const REQUEST_ID = '8b4b0a0e-0000-4000-8000-000000000000'
export const USER_ARN = `arn:aws:iam::${ACCOUNT}:user/ops/ada`

export type ClientKey = PlainKey & { readonly sessionToken?: string }

/** As the gateway's router names a call: by its Action. */
const operationIn = (text: string): Pick<VerifiedCall, 'operation'> => {
  const operation = new URLSearchParams(text).get('Action')
  return operation === null ? {} : { operation }
}

export const callOf = (
  caller: Caller,
  given: Partial<VerifiedCall> & { form?: string },
): VerifiedCall => ({
  ...operationIn(`${given.rawQuery ?? ''}&${given.form ?? ''}`),
  caller,
  account: 'account' in caller.principal ? caller.principal.account : ACCOUNT,
  region: 'us-east-1',
  method: 'POST',
  rawPath: '/',
  rawQuery: '',
  headers: {},
  body: Readable.from([Buffer.from(given.form ?? '')]),
  trailers: () => ({}),
  requestId: REQUEST_ID,
  eventId: '00000000-0000-4000-8000-000000000001',
  sourceIp: '127.0.0.1',
  secureTransport: false,
  signal: new AbortController().signal,
  ...given,
})

/** The gateway without its signature check: whose key it is, and its token, decide. */
const startServer = async (identity: IdentityFixture, sts: BuiltinService) => {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const authorization = request.headers.authorization ?? ''
      const [, id = '', region = ''] = /Credential=([^/]+)\/\d+\/([^/]+)/.exec(authorization) ?? []
      const credential = await identity.identities.find(id)
      assert.equal(request.headers['x-amz-security-token'], credential?.sessionToken)
      const caller = credential?.caller ?? { principal: { kind: 'unknown' } }
      const [, rawQuery = ''] = (request.url ?? '').split('?')
      const form = Buffer.concat(await request.toArray()).toString()
      const { status, headers, body } = await sts(callOf(caller, { region, rawQuery, form }))
      response.writeHead(status, headers)
      response.end(body)
    }
    answer().catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

export interface StsFixture {
  readonly identity: IdentityFixture
  readonly sts: BuiltinService
  readonly root: PlainKey
  /** The user `ada` with the path `/ops/`. */
  readonly ada: PlainKey
  readonly adaId: string
  clientOf(key: ClientKey, region?: string): STSClient
  /** Resolves with the role's ARN. */
  makeRole(name: string, trustPolicy: string, more?: object): Promise<string>
  assume(
    key: ClientKey,
    roleArn: string,
    more?: Partial<AssumeRoleCommandInput>,
  ): Promise<{
    answer: Awaited<ReturnType<typeof sendAssumeRole>>
    session: Required<ClientKey>
  }>
  close(): Promise<void>
}

const sendAssumeRole = (client: STSClient, input: AssumeRoleCommandInput) =>
  client.send(new AssumeRoleCommand(input))

const makeKeys = async ({ identities, store }: IdentityFixture) => {
  const root = (await identities.ensureRootKey(ACCOUNT)) ?? assert.fail('there is no root key')
  const given = { account: ACCOUNT, name: 'ada', path: '/ops/', source: 'made' } as const
  const { id: adaId } = await saveUser(store, given)
  const owner = { kind: 'user', name: 'ada' } as const
  return { root, adaId, ada: await createKey(store, { account: ACCOUNT, owner }) }
}

export const createStsFixture = async (): Promise<StsFixture> => {
  const identity = await createIdentityFixture()
  const keys = await makeKeys(identity)
  const sts = createBuiltinSts({ identities: identity.identities, clock: identity.clock })
  const server = await startServer(identity, sts)
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clients: STSClient[] = []
  const clientOf = (key: ClientKey, region = 'eu-west-1'): STSClient => {
    const { accessKeyId, secret: secretAccessKey, sessionToken } = key
    const session = sessionToken === undefined ? {} : { sessionToken }
    const credentials = { accessKeyId, secretAccessKey, ...session }
    const client = new STSClient({ endpoint, region, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }
  return {
    ...keys,
    identity,
    sts,
    clientOf,
    makeRole: async (name, trustPolicy, more = {}) => {
      const options = { account: ACCOUNT, name, trustPolicy, source: 'made', ...more } as const
      const { path } = await saveRole(identity.store, options)
      return `arn:aws:iam::${ACCOUNT}:role${path}${name}`
    },
    assume: async (key, RoleArn, more = {}) => {
      const input = { RoleArn, RoleSessionName: 'build', ...more }
      const answer = await sendAssumeRole(clientOf(key), input)
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = answer.Credentials ?? {}
      const secrets = { secret: SecretAccessKey, sessionToken: SessionToken }
      return { answer, session: { accessKeyId: AccessKeyId, ...secrets } }
    },
    close: async () => {
      for (const client of clients) client.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await identity.close()
    },
  }
}

/** A trust policy that lets `principal` do all that AssumeRole can need. */
export const trust = (principal: object, more: object = {}): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: principal,
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
      ...more,
    },
  })

/** For `assert.rejects`: what the client made of the answer. */
export const fault =
  (name: string, status: number, message: string | RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof Error && '$metadata' in error)
    assert.equal(error.name, name)
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    assert.equal((error.$metadata as { httpStatusCode?: number }).httpStatusCode, status)
    return true
  }

export const denied = (action: string, roleArn: string, user = USER_ARN) =>
  fault(
    'AccessDenied',
    403,
    `User: ${user} is not authorized to perform: ${action} on resource: ${roleArn}`,
  )
