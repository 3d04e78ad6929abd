/** No success before its record is durable, and none at all where it cannot be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuiltinService } from '../../identity/verified-call.ts'
import {
  headBytes,
  jsonCall,
  rawConnection,
  send,
  startGateway,
  startUpstream,
} from './gateway.test-support.ts'

const refuse = async (): Promise<void> => {
  throw new Error('The spool is full.')
}

/** Lets everything that can happen happen. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const answers: Record<string, BuiltinService> = {
  'a small answer': async () => ({ status: 200, headers: {}, body: Buffer.from('{}') }),
  'an answer without a body': async () => ({ status: 204, headers: {}, body: Buffer.alloc(0) }),
}

for (const [name, service] of Object.entries(answers)) {
  test(`${name} stays here, head and all, until its record is durable`, async (t) => {
    const { port, recorder } = await startGateway(t, { builtin: () => service })
    const gate = Promise.withResolvers<void>()
    recorder.beforeRecord = () => gate.promise
    const { socket, soFar, until } = await rawConnection(t, port)
    socket.write(await headBytes(port, { service: 's3', method: 'DELETE', path: '/bucket' }))
    await settle()
    assert.equal(soFar(), '')
    gate.resolve()
    assert.match(await until(/\r\n\r\n/), /^HTTP\/1\.1 20/)
    assert.equal(recorder.events.length, 1)
  })
}

test('of a long answer the last block stays here until its record is durable', async (t) => {
  const size = 3_000_000
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-length': String(size) }).end(Buffer.alloc(size, 'x'))
  })
  const { port, recorder } = await startGateway(t, { upstream: () => upstream.url })
  const gate = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  recorder.beforeRecord = () => {
    reached.resolve()
    return gate.promise
  }
  const { socket, soFar, until } = await rawConnection(t, port)
  socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
  await reached.promise
  await settle()
  const body = (): number => soFar().length - soFar().indexOf('\r\n\r\n') - 4
  assert.ok(body() > 0 && body() < size, `${body()} bytes`)
  gate.resolve()
  await until(() => body() === size)
})

test('a record that cannot be stored: 500 where nothing was sent, else a broken answer', async (t) => {
  const size = 3_000_000
  const upstream = await startUpstream(t, (request, response) => {
    const long = request.url.includes('long')
    response.end(long ? Buffer.alloc(size) : 'small')
  })
  const { url, recorder, registry } = await startGateway(t, { upstream: () => upstream.url })
  recorder.beforeRecord = refuse
  const write = await send(url, jsonCall('CreateTrail'))
  assert.equal(write.status, 500)
  assert.equal(write.headers.get('x-amzn-errortype'), 'InternalFailure')
  const read = await send(url, { service: 's3', path: '/bucket/small' })
  assert.match(await read.text(), /<Code>InternalFailure</)
  await assert.rejects(async () =>
    (await send(url, { service: 's3', path: '/bucket/long' })).arrayBuffer(),
  )
  const metric = await registry.getSingleMetric('clew_capture_journal_refusals_total')?.get()
  assert.equal(metric?.values[0]?.value, 3)
})

test('an intent that cannot be stored: 503, nothing forwarded, nothing recorded', async (t) => {
  const upstream = await startUpstream(t)
  const { url, recorder } = await startGateway(t, { upstream: () => upstream.url })
  recorder.beforeIntend = refuse
  const write = await send(url, jsonCall('CreateTrail'))
  assert.equal(write.status, 503)
  assert.equal(write.headers.get('x-amzn-errortype'), 'ServiceUnavailable')
  const bucket = await send(url, { service: 's3', method: 'PUT', path: '/bucket' })
  assert.equal(bucket.status, 503)
  assert.match(await bucket.text(), /<Code>ServiceUnavailable</)
  assert.deepEqual([upstream.requests.length, recorder.events.length], [0, 0])
  const read = await send(url, jsonCall('GetTrail'))
  const data = await send(url, { service: 's3', method: 'PUT', path: '/bucket/key', body: 'x' })
  assert.deepEqual([read.status, data.status], [200, 200], 'reads and data events need no intent')
})

test('a call that cannot be described is refused before it happens', async (t) => {
  const upstream = await startUpstream(t)
  const { url } = await startGateway(t, {
    upstream: () => upstream.url,
    recordCall: () => {
      throw new TypeError('a bug')
    },
  })
  assert.equal((await send(url, jsonCall('CreateTrail'))).status, 503)
  assert.equal(upstream.requests.length, 0)
  assert.equal((await send(url, jsonCall('GetTrail'))).status, 500)
})

test('a service of Clew that throws is a 500, recorded', async (t) => {
  const { url, recorder } = await startGateway(t, {
    builtin: () => async () => {
      throw new RangeError('a bug')
    },
  })
  const answer = await send(url, jsonCall('CreateTrail'))
  assert.equal(answer.status, 500)
  assert.doesNotMatch(await answer.text(), /a bug/)
  assert.equal(recorder.records()[0]?.errorCode, 'InternalFailure')
})

test('a client that leaves: the write it made is still recorded with its outcome', async (t) => {
  const arrived = Promise.withResolvers<() => void>()
  const upstream = await startUpstream(t, (_request, response) => {
    arrived.resolve(() => response.end('done'))
  })
  const { port, recorder } = await startGateway(t, { upstream: () => upstream.url })
  const { socket } = await rawConnection(t, port)
  const call = jsonCall('CreateTrail', '{}')
  socket.write(await headBytes(port, call, ['content-length: 2']))
  socket.write('{}')
  const answer = await arrived.promise
  socket.destroy()
  await settle()
  answer()
  const [record] = await recorder.reach(1)
  assert.deepEqual([record?.status, record?.response], [200, 'done'])
})

test('a client that leaves: a read is broken off and recorded without an answer', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const broken = Promise.withResolvers<void>()
  const upstream = await startUpstream(t, (_request, response) => {
    response.once('close', () => broken.resolve())
    arrived.resolve()
  })
  const { port, recorder } = await startGateway(t, {
    upstream: () => upstream.url,
    limits: { halfClosedMs: 10 },
  })
  const { socket } = await rawConnection(t, port)
  socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
  await arrived.promise
  socket.destroy()
  await broken.promise
  const [record] = await recorder.reach(1)
  assert.equal(record?.status, 0)
  assert.equal(record?.errorCode, 'RequestAborted')
})

test('a client that leaves in the middle of an upload: the upstream sees it broken off', async (t) => {
  const upstream = await startUpstream(t)
  const { port, recorder } = await startGateway(t, {
    upstream: () => upstream.url,
    limits: { streamFromBytes: 1000 },
  })
  const ended = upstream.nextEnd()
  const { socket } = await rawConnection(t, port)
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const put = { service: 's3', method: 'PUT', path: '/bucket/key', headers }
  socket.write(await headBytes(port, put, ['content-length: 500000']))
  socket.write(Buffer.alloc(200_000))
  while (upstream.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  socket.destroy()
  await ended
  assert.equal(upstream.requests[0]?.complete, false)
  const [record] = await recorder.reach(1)
  assert.equal(record?.errorCode, 'IncompleteBody')
})

test('closing waits for what is in flight, then cuts it off and records it', async (t) => {
  const arrived = [Promise.withResolvers<() => void>(), Promise.withResolvers<() => void>()]
  let count = 0
  const upstream = await startUpstream(t, (_request, response) => {
    arrived[count++]?.resolve(() => response.end('done'))
  })
  const { gateway, url, recorder } = await startGateway(t, { upstream: () => upstream.url })
  const first = send(url, jsonCall('GetTrail'))
  const answer = await arrived[0]?.promise
  const closing = gateway.close(60_000)
  await assert.rejects(send(url, jsonCall('GetTrail')), 'nothing new is taken')
  answer?.()
  assert.equal(await (await first).text(), 'done')
  await closing
  assert.equal(recorder.events.length, 1)
  const second = await startGateway(t, { upstream: () => upstream.url })
  const cut = assert.rejects(send(second.url, jsonCall('CreateTrail')))
  await arrived[1]?.promise
  await second.gateway.close(0)
  await cut
  assert.equal(second.recorder.records()[0]?.status, 0)
})
