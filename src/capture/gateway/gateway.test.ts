import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ACCESS_KEY, ACCOUNT, sign, testCredential } from '../signature/signing.test-support.ts'
import {
  echoService,
  jsonCall,
  send,
  sha256,
  startGateway,
  startUpstream,
} from './gateway.test-support.ts'

test('a signed JSON call reaches the service of Clew and is recorded before its answer', async (t) => {
  const { url, recorder } = await startGateway(t, {
    builtin: (name) => (name === 'cloudtrail' ? echoService : undefined),
  })
  const answer = await send(url, {
    ...jsonCall('CreateTrail', '{"Name":"t"}'),
    region: 'eu-west-3',
  })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/)
  assert.deepEqual(await answer.json(), {
    operation: 'CreateTrail',
    account: ACCOUNT,
    region: 'eu-west-3',
    path: '/',
    query: '',
    length: 12,
    sha256: sha256('{"Name":"t"}'),
    trailers: {},
  })
  const [record] = recorder.records()
  assert.equal(record?.eventName, 'CreateTrail')
  assert.equal(record?.status, 200)
  assert.equal(record?.request, '{"Name":"t"}')
  assert.equal(record?.signature, 'SigV4 AuthHeader')
  assert.equal(recorder.intents.length, 1)
  assert.equal(recorder.intents[0]?.eventId, record?.eventID)
})

test('an upstream gets the request as it was sent, and reads need no intent', async (t) => {
  const upstream = await startUpstream(t)
  const { url, recorder } = await startGateway(t, { upstream: () => upstream.url })
  const answer = await send(url, {
    service: 'lambda',
    path: '/2015-03-31/functions/arn%3Aaws%3Alambda/a%20b',
    query: { Qualifier: 'x y', Marker: '' },
    headers: { 'X-Custom-Case': 'Kept' },
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-upstream'), 'yes')
  const [seen] = upstream.requests
  assert.equal(seen?.url, '/2015-03-31/functions/arn%3Aaws%3Alambda/a%20b?Qualifier=x%20y&Marker=')
  assert.equal(seen?.headers.host, new URL(url).host)
  assert.match(seen?.headers.authorization ?? '', new RegExp(`Credential=${ACCESS_KEY}/`))
  assert.equal(recorder.intents.length, 0)
  assert.equal(
    recorder.records()[0]?.eventName,
    'GET /2015-03-31/functions/arn%3Aaws%3Alambda/a%20b',
  )
})

test('no service: 501 in the protocol of the client, naming the flag, and recorded', async (t) => {
  const { url, recorder } = await startGateway(t)
  const json = await send(url, jsonCall('CreateTable', '{}', 'dynamodb'))
  assert.equal(json.status, 501)
  const body = (await json.json()) as { __type: string; message: string }
  assert.equal(body.__type, 'NotImplemented')
  assert.match(body.message, /--upstream dynamodb=http:/)
  const xml = await send(url, { service: 's3', method: 'PUT', path: '/bucket' })
  assert.match(await xml.text(), /<Error><Code>NotImplemented<\/Code>/)
  const query = await send(url, {
    service: 'iam',
    method: 'POST',
    body: 'Action=CreateUser&UserName=a',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  assert.match(await query.text(), /<ErrorResponse>[\s\S]*<Code>NotImplemented<\/Code>/)
  const records = recorder.records()
  assert.deepEqual(
    records.map((record) => [record.eventName, record.status, record.errorCode]),
    [
      ['CreateTable', 501, 'NotImplemented'],
      ['PutBucket', 501, 'NotImplemented'],
      ['CreateUser', 501, 'NotImplemented'],
    ],
  )
  assert.equal(records[0]?.requestId, json.headers.get('x-amzn-requestid'))
  assert.equal(recorder.intents.length, 0, 'nothing was about to happen')
})

test('what is not signed right is refused, not forwarded, not recorded, and counted', async (t) => {
  const upstream = await startUpstream(t)
  const { url, recorder, registry } = await startGateway(t, { upstream: () => upstream.url })
  const wrongSecret = await send(url, { ...jsonCall('CreateTrail'), secret: 'another' })
  assert.equal(wrongSecret.status, 403)
  assert.equal(wrongSecret.headers.get('x-amzn-errortype'), 'InvalidSignatureException')
  const unknown = await send(url, { service: 's3', path: '/b/k', accessKeyId: 'AKIAUNKNOWN' })
  assert.equal(unknown.status, 403)
  assert.match(await unknown.text(), /<Code>InvalidAccessKeyId</)
  const rest = await send(url, { service: 'lambda', path: '/functions', secret: 'another' })
  assert.match(await rest.text(), /^\{"__type":"InvalidSignatureException"/)
  const incomplete = await fetch(`${url}/functions`, {
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=A/20260302/r/lambda/aws4_request' },
  })
  assert.match(await incomplete.text(), /^\{"__type":"IncompleteSignatureException"/)
  const old = await send(url, {
    ...jsonCall('CreateTrail'),
    date: new Date(Date.now() - 3_600_000),
  })
  assert.match(await old.text(), /Signature expired/)
  const swapped = await send(url, jsonCall('CreateTrail', '{"a":1}'), Buffer.from('{"a":2}'))
  assert.equal(swapped.status, 403)
  const s3 = await send(
    url,
    { service: 's3', method: 'PUT', path: '/b/k', body: 'one' },
    Buffer.from('two'),
  )
  assert.equal(s3.status, 400)
  assert.match(await s3.text(), /<Code>XAmzContentSHA256Mismatch</)
  const none = await fetch(`${url}/`, {
    method: 'POST',
    headers: { 'x-amz-target': 'A.CreateTrail' },
  })
  assert.equal(none.status, 403)
  assert.match(await none.text(), /MissingAuthenticationToken/)
  assert.equal((await fetch(`${url}/`)).status, 403)
  assert.deepEqual([upstream.requests.length, recorder.events.length], [0, 0])
  const metric = await registry.getSingleMetric('clew_capture_signature_refusals_total')?.get()
  const reasons = Object.fromEntries(
    metric?.values.map(({ labels, value }) => [labels.reason, value]) ?? [],
  )
  assert.deepEqual(reasons, {
    malformed: 1,
    mismatch: 3,
    'unknown-key': 1,
    skewed: 1,
    payload: 1,
    missing: 2,
  })
})

test('unknown keys may pass to an upstream, never to a service of Clew', async (t) => {
  const upstream = await startUpstream(t)
  const { url, recorder } = await startGateway(t, {
    unknownKeys: 'record',
    upstream: () => upstream.url,
    builtin: (name) => (name === 'cloudtrail' ? echoService : undefined),
  })
  const passed = await send(url, {
    ...jsonCall('CreateTable', '{}', 'dynamodb'),
    accessKeyId: 'AKIAX',
  })
  assert.equal(passed.status, 200)
  const refused = await send(url, { ...jsonCall('CreateTrail'), accessKeyId: 'AKIAX' })
  assert.equal(refused.headers.get('x-amzn-errortype'), 'UnrecognizedClientException')
  assert.deepEqual(
    recorder.records().map((record) => [record.caller, record.status]),
    [
      ['unknown', 200],
      ['unknown', 403],
    ],
  )
  const bad = await send(url, { ...jsonCall('CreateTable', '{}', 'dynamodb'), secret: 'wrong' })
  assert.equal(bad.status, 403, 'a known key with a bad signature is never let through')
})

test('a signature for one service does not open another', async (t) => {
  const { url } = await startGateway(t, {
    builtin: (name) => (name === 'cloudtrail' ? echoService : undefined),
    identify: () => ({
      signingName: 'cloudtrail',
      protocol: 'json',
      eventSource: 'cloudtrail.amazonaws.com',
      eventName: 'CreateTrail',
      readOnly: false,
      category: 'Management',
    }),
  })
  const answer = await send(url, jsonCall('CreateTrail', '{}', 'sqs'))
  assert.equal(answer.status, 403)
  assert.match(await answer.text(), /scoped to correct service: 'cloudtrail'/)
})

test('unsigned: what AWS takes unsigned goes to the upstream, recorded as anonymous', async (t) => {
  const upstream = await startUpstream(t)
  const learned: string[] = []
  const { url, recorder } = await startGateway(t, {
    upstream: () => upstream.url,
    learn: async (call) => {
      learned.push(call.identity.eventName)
      return { principal: { kind: 'service', service: 'from the answer' } }
    },
  })
  assert.equal((await fetch(`${url}/bucket/key`)).status, 200)
  const body = new URLSearchParams({ Action: 'AssumeRoleWithWebIdentity', RoleArn: 'r' })
  assert.equal((await fetch(url, { method: 'POST', body })).status, 200)
  const denied = new URLSearchParams({ Action: 'GetCallerIdentity' })
  assert.equal((await fetch(url, { method: 'POST', body: denied })).status, 403)
  assert.deepEqual(
    recorder.records().map((record) => [record.eventName, record.caller]),
    [
      ['GetObject', 'anonymous'],
      ['AssumeRoleWithWebIdentity', 'service'],
    ],
  )
  assert.deepEqual(learned, ['AssumeRoleWithWebIdentity'])
})

test("an emulator's control path passes only to the upstream of everything", async (t) => {
  const upstream = await startUpstream(t)
  const all = await startGateway(t, { upstream: () => upstream.url })
  const reset = await fetch(`${all.url}/moto-api/reset`, { method: 'POST', body: 'x' })
  assert.equal(reset.status, 200)
  assert.equal(upstream.requests[0]?.body.toString(), 'x')
  assert.equal(all.recorder.events.length, 0)
  const one = await startGateway(t, {
    upstream: (name) => (name === 's3' ? upstream.url : undefined),
    identify: () => ({
      signingName: 'unknown',
      protocol: 'rest-json',
      eventSource: 'unknown',
      eventName: 'POST',
      readOnly: false,
      category: 'Management',
    }),
  })
  assert.equal((await fetch(`${one.url}/moto-api/reset`, { method: 'POST' })).status, 403)
})

test('virtual-hosted S3, regions, and the addresses of proxies', async (t) => {
  const regions: string[] = []
  const { url, recorder, port } = await startGateway(t, {
    builtin: () => echoService,
    onRegion: (region) => regions.push(region) > 0,
  })
  const host = (name: string) => ({ headers: { host: `${name}:${port}` } })
  const agent = new Agent()
  const get = async (name: string, path: string): Promise<string> => {
    const head = await sign({ service: 's3', path, date: new Date(), ...host(name) })
    return new Promise((resolve, reject) => {
      const sent = request(url + path, { headers: head.headers, agent }, (answer) => {
        answer.setEncoding('utf8')
        let text = ''
        answer.on('data', (part: string) => {
          text += part
        })
        answer.on('end', () => resolve((JSON.parse(text) as { path: string }).path))
      })
      sent.on('error', reject).end()
    })
  }
  assert.equal(await get('my.bucket.s3.localhost', '/a/key'), '/my.bucket/a/key')
  assert.equal(await get('bucket.localhost', '/'), '/bucket/')
  assert.equal(await get('s3.localhost', '/bucket/key'), '/bucket/key')
  assert.equal(await get('127.0.0.1', '/bucket/key'), '/bucket/key')
  agent.destroy()
  await send(url, { ...jsonCall('CreateUser', '{}', 'iam'), region: 'ap-south-1' })
  assert.equal(recorder.records().at(-1)?.region, 'us-east-1')
  assert.deepEqual(regions, ['eu-west-1', 'ap-south-1'])
})

test('a denied call is recorded and reaches nothing', async (t) => {
  const upstream = await startUpstream(t)
  const { url, recorder } = await startGateway(t, {
    upstream: () => upstream.url,
    authorize: ({ eventName }) =>
      eventName === 'DeleteTrail'
        ? { status: 400, code: 'AccessDeniedException', message: 'No.' }
        : undefined,
  })
  const answer = await send(url, jsonCall('DeleteTrail'))
  assert.equal(answer.status, 400)
  assert.deepEqual(await answer.json(), { __type: 'AccessDeniedException', message: 'No.' })
  assert.equal(recorder.records()[0]?.errorCode, 'AccessDeniedException')
  assert.deepEqual([upstream.requests.length, recorder.intents.length], [0, 0])
})

test('credentials in an answer are learned before its last byte leaves', async (t) => {
  const answers = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/xml', 'content-encoding': 'gzip' })
    response.end(gzipSync('<Key>AKIALEARNED</Key>'))
  })
  const known = [testCredential()]
  const { url } = await startGateway(t, {
    upstream: () => answers.url,
    credentials: { find: async (id) => known.find(({ accessKeyId }) => accessKeyId === id) },
    learn: async (_call, _answer, body) => {
      const accessKeyId = /<Key>(.*)<\/Key>/.exec(body.toString())?.[1] ?? ''
      await new Promise((resolve) => setImmediate(resolve))
      known.push(testCredential({ accessKeyId }))
      return undefined
    },
  })
  const created = await send(url, jsonCall('CreateAccessKey', '{}', 'iam'))
  assert.equal(await created.text(), '<Key>AKIALEARNED</Key>')
  const next = await send(url, {
    ...jsonCall('ListUsers', '{}', 'iam'),
    accessKeyId: 'AKIALEARNED',
  })
  assert.equal(next.status, 200)
})

test('an upstream that is down is a 503 in the protocol, and recorded', async (t) => {
  const upstream = await startUpstream(t)
  upstream.server.close()
  const { url, recorder } = await startGateway(t, { upstream: () => upstream.url })
  const answer = await send(url, jsonCall('CreateTrail'))
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('x-amzn-errortype'), 'ServiceUnavailable')
  assert.equal(recorder.records()[0]?.errorCode, 'ServiceUnavailable')
  assert.equal(recorder.intents.length, 1, 'the intent is resolved by the record')
})

test('an upstream that breaks off is a 502, or a broken answer where one had begun', async (t) => {
  const early = await startUpstream(t, (_request, response) => response.destroy())
  const first = await startGateway(t, { upstream: () => early.url })
  assert.equal((await send(first.url, jsonCall('CreateTrail'))).status, 502)
  const late = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '1000000' })
    response.write(Buffer.alloc(100_000), () => setImmediate(() => response.destroy()))
  })
  const second = await startGateway(t, { upstream: () => late.url })
  await assert.rejects(async () => (await send(second.url, jsonCall('GetTrail'))).arrayBuffer())
  const [record] = await second.recorder.reach(1)
  assert.equal(record?.response, undefined)
})
