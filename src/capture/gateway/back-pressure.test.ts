/** Objects of any size pass through a gateway that holds a few blocks: who is slow slows the other. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { headBytes, rawConnection, startGateway } from './gateway.test-support.ts'

const BLOCK = Buffer.alloc(256 * 1024, 'abcdefg')
const BLOCKS = 256
const SIZE = BLOCK.length * BLOCKS
/** The kernel's buffers of two connections, far less than the 64 MiB that are sent. */
const BUFFERED_MAX = 40 * 1024 * 1024

const expected = (): string => {
  const digest = createHash('sha256')
  for (let block = 0; block < BLOCKS; block++) digest.update(BLOCK)
  return digest.digest('hex')
}

/** Resolves when `progress` stays the same for many turns of the event loop that all parties share. */
const stalled = async (progress: () => number): Promise<number> => {
  let last = -1
  for (let turns = 0; turns < 500; turns++) {
    const now = progress()
    if (now !== last) turns = 0
    last = now
    await new Promise((resolve) => setImmediate(resolve))
  }
  return last
}

const listen = async (
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<URL> => {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

test('an upstream that does not read stops the client; then the whole object arrives', async (t) => {
  const paused = Promise.withResolvers<IncomingMessage>()
  const url = await listen(t, (request, response) => {
    request.pause()
    paused.resolve(request)
    const digest = createHash('sha256')
    request.on('end', () => response.end(digest.digest('hex')))
    request.on('data', (part: Buffer) => digest.update(part)).pause()
  })
  const { port, recorder } = await startGateway(t, { upstream: () => url })
  const head = await headBytes(
    port,
    {
      service: 's3',
      method: 'PUT',
      path: '/bucket/key',
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    [`content-length: ${SIZE}`],
  )
  const { socket, until } = await rawConnection(t, port)
  socket.write(head)
  let left = BLOCKS
  const pump = (): void => {
    while (left > 0) {
      left--
      if (!socket.write(BLOCK)) return
    }
  }
  socket.on('drain', pump)
  pump()
  const request = await paused.promise
  const taken = await stalled(() => socket.bytesWritten - socket.writableLength)
  assert.ok(taken < BUFFERED_MAX, `${taken} bytes were taken`)
  request.resume()
  assert.ok((await until(/[0-9a-f]{64}/)).includes(expected()))
  assert.equal(recorder.records()[0]?.bytesIn, SIZE)
})

test('a client that does not read stops the upstream; then the whole object arrives', async (t) => {
  const answering = Promise.withResolvers<Socket>()
  const url = await listen(t, (_request, response) => {
    response.writeHead(200, { 'content-length': String(SIZE) })
    let left = BLOCKS
    const pump = (): void => {
      while (left > 0) {
        left--
        const last = left === 0
        if (last) response.end(BLOCK)
        else if (!response.write(BLOCK)) return
      }
    }
    response.on('drain', pump)
    pump()
    if (response.socket !== null) answering.resolve(response.socket)
  })
  const { port, recorder } = await startGateway(t, { upstream: () => url })
  const { socket } = await rawConnection(t, port)
  socket.pause()
  socket.write(await headBytes(port, { service: 's3', path: '/bucket/key' }))
  const upstream = await answering.promise
  const taken = await stalled(() => upstream.bytesWritten - upstream.writableLength)
  assert.ok(taken < BUFFERED_MAX, `${taken} bytes were taken`)
  assert.equal(recorder.events.length, 0, 'the last block is still to come')
  const digest = createHash('sha256')
  let length = 0
  let body = false
  const done = new Promise<void>((resolve) => {
    socket.removeAllListeners('data').on('data', (part: Buffer) => {
      const start = body ? 0 : part.indexOf('\r\n\r\n') + 4
      body = true
      digest.update(part.subarray(start))
      length += part.length - start
      if (length === SIZE) resolve()
    })
  })
  socket.resume()
  await done
  assert.equal(digest.digest('hex'), expected())
  assert.equal(recorder.records()[0]?.bytesOut, SIZE)
})
