import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { INPUT_SHAPES } from '../contract/cloudtrail-tables.generated.ts'
import { createCloudTrailDataApi } from './cloudtrail-data-api.ts'
import { OPERATION_NAMES, OPERATIONS } from './operations.ts'
import { createRateLimit } from './rate-limit.ts'
import { bodyOf, createApiFixture, TARGET, verifiedCall } from './testing/api-fixture.ts'

test('the table has the sixty operations of the model', () => {
  assert.deepEqual([...OPERATION_NAMES].sort(), Object.keys(INPUT_SHAPES).sort())
  assert.equal(OPERATION_NAMES.length, 60)
})

test('every operation that is not built says so', async () => {
  await using api = await createApiFixture()
  const missing = OPERATION_NAMES.filter((name) => 'unsupported' in OPERATIONS[name])
  assert.ok(missing.length > 0)
  for (const name of missing) {
    const { status, body } = await api.call(name, {})
    assert.equal(status, 400)
    assert.equal(body.__type, 'UnsupportedOperationException')
    assert.match(String(body.Message), new RegExp(`^${name} is not supported: .+\\.$`))
  }
})

test('a region that does not look like one is refused', async () => {
  await using api = await createApiFixture()
  for (const region of ['..', '__proto__', 'xxxx', 'AA-BB-1', 'a'.repeat(41), '']) {
    const { status, body } = await api.call('ListTrails', {}, { region })
    assert.deepEqual([status, body.__type], [403, 'InvalidSignatureException'], region)
  }
  assert.equal((await api.call('ListTrails', {}, { region: 'made-up-7' })).status, 200)
})

test('a body behind the limit is refused, and not read to its end', async () => {
  await using api = await createApiFixture({ limits: { bodyBytesMax: 1_000 } })
  const headers = { 'x-amz-target': `${TARGET}ListTrails` }
  const fits = await api.raw(Buffer.from(`{"x":"${'a'.repeat(992)}"}`), { headers })
  assert.equal(fits.status, 200)
  const answer = await api.raw(Readable.from([Buffer.alloc(600), Buffer.alloc(600)]), { headers })
  assert.equal(answer.status, 413)
  const { __type } = JSON.parse((await bodyOf(answer)).toString()) as { __type: string }
  assert.equal(__type, 'RequestEntityTooLargeException')
})

test('a body that does not verify is the gateway’s to answer, and nothing is done', async () => {
  await using api = await createApiFixture()
  api.addBucket('logs')
  const wrong = new Error('the payload hash does not match')
  const body = Readable.from(
    (async function* () {
      yield Buffer.from('{"Name":"main","S3BucketName":"logs"}')
      throw wrong
    })(),
  )
  const headers = { 'x-amz-target': `${TARGET}CreateTrail` }
  await assert.rejects(api.raw(body, { headers }), wrong)
  assert.deepEqual(await api.trails.list('123456789012'), [])
  assert.deepEqual(api.objects.contents('logs'), [])
})

test('what an operation breaks on is an InternalFailure without its text', async () => {
  await using api = await createApiFixture({
    lookupEvents: async () => {
      throw new Error('secret detail')
    },
  })
  const { status, body } = await api.call('LookupEvents', {})
  assert.equal(status, 500)
  assert.deepEqual(body, {
    __type: 'InternalFailure',
    Message: 'The request failed because of an internal error.',
  })
})

test('rates hold per operation, account and region', async () => {
  let now = 0
  const mayCall = createRateLimit({ LookupEvents: 2 }, { monotonic: () => now })
  const look = (region = 'us-east-1'): boolean => mayCall('LookupEvents', '1', region)
  assert.deepEqual([look(), look(), look()], [true, true, false])
  assert.equal(look('eu-west-1'), true)
  assert.equal(mayCall('GetTrail', '1', 'us-east-1'), true)
  now = 499
  assert.equal(look(), false)
  now = 1_000
  assert.deepEqual([look(), look(), look()], [true, true, false])

  await using api = await createApiFixture({ limits: { requestsPerSecond: { LookupEvents: 0 } } })
  const { status, body } = await api.call('LookupEvents', {})
  assert.equal(status, 400)
  assert.deepEqual(body, { __type: 'ThrottlingException', Message: 'Rate exceeded' })
})

test('calls are counted by operation and code', async () => {
  await using api = await createApiFixture()
  await api.call('ListTrails', {})
  await api.call('GetTrail', { Name: 'main' })
  await api.call('Nonsense', {})
  const text = await api.registry.metrics()
  assert.match(text, /clew_api_requests_total\{operation="ListTrails",code="ok"\} 1/)
  assert.match(text, /operation="GetTrail",code="TrailNotFoundException"\} 1/)
  assert.match(text, /operation="unknown",code="UnknownOperationException"\} 1/)
})

test('whatever the bytes, the answer is JSON and no internal failure', async () => {
  await using api = await createApiFixture()
  const json = fc.oneof(
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(Buffer.from('['.repeat(100_000))),
    fc.constant(Buffer.from(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...OPERATION_NAMES), json, async (name, body) => {
      const answer = await api.raw(body, { headers: { 'x-amz-target': `${TARGET}${name}` } })
      JSON.parse((await bodyOf(answer)).toString())
      assert.ok(answer.status === 200 || answer.status === 400, `status ${answer.status}`)
    }),
    { numRuns: 200 },
  )
})

test('PutAuditEvents says that it is not built, in its own protocol', async () => {
  const service = createCloudTrailDataApi()
  const ask = async (rawPath: string) => {
    const answer = await service(verifiedCall(Readable.from([Buffer.from('{}')]), { rawPath }))
    const code = answer.headers['x-amzn-errortype']
    return [answer.status, code, JSON.parse((await bodyOf(answer)).toString()) as unknown]
  }
  assert.deepEqual(await ask('/PutAuditEvents'), [
    400,
    'UnsupportedOperationException',
    { message: 'PutAuditEvents is not supported: channels are not built yet.' },
  ])
  assert.equal((await ask('/Other'))[0], 404)
})
