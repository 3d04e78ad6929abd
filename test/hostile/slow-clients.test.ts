/** Clients that send or take a byte now and then: they lose their connection, honest slow ones do not. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import {
  echoService,
  headBytes,
  jsonCall,
  rawConnection,
  type Sending,
  send,
  sha256,
  startGateway,
} from '../../src/capture/gateway/gateway.test-support.ts'
import type { GatewayLimits } from '../../src/capture/gateway/gateway-options.ts'
import type { BuiltinService } from '../../src/identity/verified-call.ts'

const MIB = 1024 * 1024
const PUT: Sending = {
  service: 's3',
  method: 'PUT',
  path: '/bucket/key',
  headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
}

const start = (
  t: TestContext,
  limits: Partial<GatewayLimits> = {},
  service: BuiltinService = echoService,
) => startGateway(t, { builtin: () => service, limits: { drainMs: 20, ...limits } })

/** Writes `part` every few milliseconds until the connection is gone. */
const drip = (
  connection: Awaited<ReturnType<typeof rawConnection>>,
  part: string | Buffer,
  everyMs = 5,
): void => {
  const timer = setInterval(() => connection.socket.write(part), everyMs)
  connection.socket.once('close', () => clearInterval(timer))
}

describe('a slow client', () => {
  it('that sends its head byte by byte gets 408', async (t) => {
    const { port } = await start(t, { headersMs: 100, sweepMs: 20 })
    const connection = await rawConnection(t, port)
    connection.socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-a: ')
    drip(connection, 'a')
    assert.match(await connection.text(), /^HTTP\/1\.1 408 [\s\S]*RequestTimeout/)
  })

  it('that sends its second head byte by byte gets 408 too', async (t) => {
    const { port } = await start(t, { headersMs: 100, sweepMs: 20 })
    const connection = await rawConnection(t, port)
    const call = jsonCall('GetTrail')
    connection.socket.write(await headBytes(port, call, ['content-length: 2']))
    connection.socket.write('{}')
    await connection.until(/sha256/)
    connection.socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-a: ')
    drip(connection, 'a')
    assert.match(await connection.text(), /HTTP\/1\.1 408 [\s\S]*RequestTimeout/)
  })

  for (const [kind, call] of Object.entries({ held: jsonCall('CreateTrail'), streamed: PUT })) {
    it(`that sends a ${kind} body byte by byte is given up`, async (t) => {
      const { port, recorder } = await start(t, { bodyIdleMs: 100, streamFromBytes: 1000 })
      const connection = await rawConnection(t, port)
      connection.socket.write(await headBytes(port, call, ['content-length: 100000']))
      drip(connection, 'x')
      assert.match(await connection.text(), /^HTTP\/1\.1 400 [\s\S]*RequestTimeout/)
      const codes = recorder.records().map(({ errorCode }) => errorCode)
      assert.deepEqual(codes, kind === 'held' ? [] : ['RequestTimeout'])
    })

    it(`that sends a ${kind} body slowly, but above the least rate, is served`, async (t) => {
      const { port, recorder } = await start(t, {
        bodyIdleMs: 200,
        bodyBytesPerSecondMin: 1_000,
        streamFromBytes: 1000,
      })
      const connection = await rawConnection(t, port)
      const body = Buffer.alloc(240_000, 'x')
      const signed = kind === 'held' ? jsonCall('GetTrail', body.toString()) : call
      connection.socket.write(await headBytes(port, signed, [`content-length: ${body.length}`]))
      // Longer than several spans, and each has its bytes.
      for (let from = 0; from < body.length; from += 2_000) {
        connection.socket.write(body.subarray(from, from + 2_000))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      assert.match(await connection.until(/sha256":"\w+"/), new RegExp(sha256(body)))
      assert.equal(recorder.records()[0]?.errorCode, undefined)
    })
  }

  it('that takes nothing of its answers is cut off; nothing piles up', async (t) => {
    let produced = 0
    const { port, recorder } = await start(t, { answerIdleMs: 100 }, async () => ({
      status: 200,
      headers: { 'content-length': String(256 * MIB) },
      body: (await import('node:stream')).Readable.from(
        (function* () {
          for (; produced < 256; produced++) yield Buffer.alloc(MIB)
        })(),
      ),
    }))
    const { socket, text } = await rawConnection(t, port)
    socket.pause()
    socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
    const [record] = await recorder.reach(1)
    assert.ok(produced < 64, `${produced} MiB were produced`)
    assert.ok((record?.bytesOut ?? 0) < 64 * MIB)
    socket.resume()
    assert.ok((await text()).length < 256 * MIB)
  })

  it('that takes a long answer from memory slowly gets it whole', async (t) => {
    const body = Buffer.alloc(48 * MIB, 'y')
    const { port } = await start(t, { answerIdleMs: 1_000 }, async () => ({
      status: 200,
      headers: {},
      body,
    }))
    const { socket } = await rawConnection(t, port)
    const digest = createHash('sha256')
    let length = 0
    const done = new Promise<void>((resolve, reject) => {
      socket.removeAllListeners('data').on('data', (part: Buffer) => {
        const from = length === 0 ? part.indexOf('\r\n\r\n') + 4 : 0
        digest.update(part.subarray(from))
        length += part.length - from
        socket.pause()
        // The whole takes several times the limit; no block of it does.
        setTimeout(() => socket.resume(), 2)
        if (length === body.length) resolve()
      })
      socket.once('close', () => reject(new Error(`closed after ${length} bytes`)))
    })
    socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
    await done
    assert.equal(digest.digest('hex'), sha256(body))
  })

  it('that closes its sending half gets its answers, and is not waited for longer', async (t) => {
    const gate = Promise.withResolvers<void>()
    const { port, recorder } = await start(t, { halfClosedMs: 60 }, async (call) => {
      if (call.operation === 'GetSlow') await gate.promise
      return { status: 200, headers: {}, body: Buffer.from(call.operation ?? '') }
    })
    const bytes: Buffer[] = []
    for (const name of ['GetOne', 'GetTwo', 'GetThree']) {
      bytes.push(await headBytes(port, jsonCall(name), ['content-length: 2']), Buffer.from('{}'))
    }
    const three = await rawConnection(t, port)
    three.socket.end(Buffer.concat(bytes))
    assert.match(await three.text(), /GetOneHTTP[\s\S]*GetTwoHTTP[\s\S]*GetThree$/)
    const slow = await rawConnection(t, port)
    const head = await headBytes(port, jsonCall('GetSlow'), ['content-length: 2'])
    slow.socket.end(Buffer.concat([head, Buffer.from('{}')]))
    assert.equal(await slow.text(), '', 'the wait for an answer is bounded')
    gate.resolve()
    assert.equal((await recorder.reach(4)).length, 4)
  })

  it('leaves room for others: bodies that nobody proved to have sent go first', async (t) => {
    const { url, port, registry } = await start(t, { connectionsMax: 8 })
    const hostile: Awaited<ReturnType<typeof rawConnection>>[] = []
    for (let index = 0; index < 20; index++) {
      const connection = await rawConnection(t, port)
      const lines = 'host: x\r\nexpect: 100-continue\r\ncontent-length: 9999\r\n'
      connection.socket.write(`POST / HTTP/1.1\r\n${lines}\r\n`)
      await connection.until(/100 Continue/)
      connection.socket.write('Action=')
      hostile.push(connection)
    }
    for (let call = 0; call < 5; call++) {
      assert.equal((await send(url, jsonCall('GetTrail'))).status, 200)
    }
    const metric = await registry.getSingleMetric('clew_connections_lost_total')?.get()
    const lost = metric?.values.filter(({ value }) => value > 0) ?? []
    const reasons = lost.map(({ labels }) => labels.reason)
    assert.ok(reasons.includes('unproven'), reasons.join())
    assert.ok(!reasons.includes('refused'), reasons.join())
  })

  it('that never ends its body gives way when memory is short', async (t) => {
    const limits = { bodyBytesMax: 1_000, bodiesBytesMax: 1_500, drainMs: 1_000 }
    const { url, port } = await start(t, limits)
    const hold = async () => {
      const connection = await rawConnection(t, port)
      const lines = ['content-length: 1000', 'expect: 100-continue']
      connection.socket.write(await headBytes(port, jsonCall('CreateTrail'), lines))
      await connection.until(/100 Continue/)
      connection.socket.write('x'.repeat(900))
      return connection
    }
    // A body that is refused, and then no HTTP: its memory comes back once, not twice.
    for (let round = 0; round < 5; round++) {
      const { socket, text, until } = await rawConnection(t, port)
      const lines = ['transfer-encoding: chunked', 'expect: 100-continue']
      socket.write(await headBytes(port, jsonCall('CreateTrail'), lines))
      await until(/100 Continue/)
      socket.write(`384\r\n${'x'.repeat(900)}\r\nc8\r\n${'x'.repeat(200)}\r\nzz\r\n`)
      assert.match(await text(), /HTTP\/1\.1 4(?:13|00) /)
    }
    const first = await hold()
    const second = await hold()
    assert.match(await first.text(), /HTTP\/1\.1 503 [\s\S]*SlowDown/)
    assert.equal((await send(url, jsonCall('GetTrail', 'x'.repeat(700)))).status, 200)
    assert.match(await second.text(), /HTTP\/1\.1 503 [\s\S]*SlowDown/)
  })

  it('that makes every connection busy has further ones told so', async (t) => {
    const gate = Promise.withResolvers<void>()
    const arrived: (() => void)[] = []
    const { port } = await start(t, { connectionsMax: 4 }, async () => {
      arrived.pop()?.()
      await gate.promise
      return { status: 200, headers: {}, body: Buffer.from('served') }
    })
    const head = await headBytes(port, jsonCall('GetTrail'), ['content-length: 2'])
    const call = Buffer.concat([head, Buffer.from('{}')])
    const busy: Awaited<ReturnType<typeof rawConnection>>[] = []
    for (let index = 0; index < 4; index++) {
      const connection = await rawConnection(t, port)
      const came = new Promise<void>((resolve) => arrived.push(resolve))
      connection.socket.write(call)
      await came
      busy.push(connection)
    }
    const fifth = await rawConnection(t, port)
    fifth.socket.write(call)
    assert.match(await fifth.text(), /^HTTP\/1\.1 503 [\s\S]*SlowDown/)
    gate.resolve()
    for (const connection of busy) await connection.until(/served/)
    const sixth = await rawConnection(t, port)
    sixth.socket.write(call)
    await sixth.until(/served/)
  })
})
