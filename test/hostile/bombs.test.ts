/** A few kilobytes that unpack to gigabytes pass as they are; the record unpacks so much and no more. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadCatalogue } from '../../src/capture/catalogue/catalogue.ts'
import {
  headBytes,
  jsonCall,
  rawConnection,
  type Sending,
  startGateway,
  startUpstream,
} from '../../src/capture/gateway/gateway.test-support.ts'
import { createRecordCall } from '../../src/capture/record/record-call.ts'
import { identify } from '../../src/capture/router/identify.ts'

const MIB = 1024 * 1024
/** Members of one gzip file: 4 GiB in about 4 MiB; the first 200 KiB of it are 200 MiB. */
const MEMBER = gzipSync(Buffer.alloc(64 * MIB, ' '))
const bomb = (members: number): Buffer => Buffer.concat(Array<Buffer>(members).fill(MEMBER))
/** What may be in use beside the bytes themselves. */
const GROWTH_MAX = 200 * MIB

const GZIP = { 'content-encoding': 'gzip', 'content-type': 'application/x-amz-json-1.1' }

/** With the real catalogue and the real records. */
const start = async (t: TestContext, answer: Buffer) => {
  const catalogue = loadCatalogue()
  const failures: unknown[] = []
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { ...GZIP, 'content-length': answer.length }).end(answer)
  })
  const gateway = await startGateway(t, {
    upstream: () => upstream.url,
    identify: identify(catalogue),
    recordCall: createRecordCall({ catalogue, failed: (error) => failures.push(error) }),
  })
  const call = async (sending: Sending, body: Buffer) => {
    const before = process.memoryUsage().rss
    const { socket, text } = await rawConnection(t, gateway.port)
    const lines = ['connection: close', `content-length: ${body.length}`]
    socket.write(await headBytes(gateway.port, sending, lines))
    socket.write(body)
    const received = await text()
    const [event] = gateway.recorder.events.slice(-1)
    const record = JSON.parse(event?.text.toString() ?? '{}')
    return { received, record, growth: process.memoryUsage().rss - before }
  }
  return { ...gateway, upstream, failures, call }
}

const metricData = (headers: Readonly<Record<string, string>> = {}): Sending => {
  const call = jsonCall('PutMetricData', '{}', 'monitoring')
  const target = { 'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData' }
  return { ...call, headers: { ...call.headers, ...target, ...headers } }
}

describe('a gzip bomb', () => {
  it('in an answer reaches the client as it is; the record goes without it', async (t) => {
    for (const members of [1, 3, 64]) {
      const answer = bomb(members)
      const { call, failures } = await start(t, answer)
      const { received, record, growth } = await call(metricData(), Buffer.from('{}'))
      assert.ok(received.endsWith(answer.toString('latin1')))
      assert.equal(record.responseElements, null)
      assert.equal(record.errorCode, undefined)
      assert.ok(growth < GROWTH_MAX, `${growth / MIB} MiB`)
      assert.deepEqual(failures, [])
    }
  })

  it('in an answer that teaches credentials is no answer of theirs', async (t) => {
    const answer = bomb(10)
    const { call, failures } = await start(t, answer)
    const sending: Sending = {
      service: 'sts',
      method: 'POST',
      body: 'Action=AssumeRole&Version=2011-06-15',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }
    const { received, record, growth } = await call(sending, Buffer.from(String(sending.body)))
    assert.ok(received.endsWith(answer.toString('latin1')))
    assert.equal(record.eventName, 'AssumeRole')
    assert.equal(record.responseElements, null)
    assert.ok(growth < GROWTH_MAX, `${growth / MIB} MiB`)
    assert.deepEqual(failures, [])
  })

  it('in a request reaches the upstream as it is; the record does not unpack it', async (t) => {
    const { call, upstream, failures } = await start(t, gzipSync('{}'))
    const body = bomb(64)
    const sending = { ...metricData({ 'content-encoding': 'gzip' }), body }
    const { record, growth } = await call(sending, body)
    assert.ok(upstream.requests[0]?.body.equals(body))
    assert.equal(record.eventName, 'PutMetricData')
    assert.ok(growth < GROWTH_MAX, `${growth / MIB} MiB`)
    assert.ok(JSON.stringify(record).length < 256 * 1024)
    assert.deepEqual(failures, [])
  })

  it('that is an object of S3 is an object', async (t) => {
    const body = bomb(20)
    const { call, upstream } = await start(t, body)
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'content-encoding': 'gzip' }
    const put: Sending = { service: 's3', method: 'PUT', path: '/bucket/key.gz', headers }
    const { record } = await call(put, body)
    assert.ok(upstream.requests[0]?.body.equals(body))
    assert.equal(record.additionalEventData.bytesTransferredIn, body.length)
    const got = await call({ service: 's3', path: '/bucket/key.gz' }, Buffer.alloc(0))
    assert.ok(got.received.endsWith(body.toString('latin1')))
    assert.equal(got.record.additionalEventData.bytesTransferredOut, body.length)
    assert.ok(got.growth < GROWTH_MAX, `${got.growth / MIB} MiB`)
  })
})
