import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server,
  type Socket,
} from 'node:net'
import { after, describe, it } from 'node:test'
import { readIntoOneBuffer } from './one-buffer.ts'

const BODIES = Array.from({ length: 4 }, () => randomBytes(3 * 1024 * 1024 + 17))

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const ask = async (agent: Agent, port: number, path: string): Promise<IncomingMessage> => {
  const sent = request({ agent, host: '127.0.0.1', port, path })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

describe('readIntoOneBuffer', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ...readIntoOneBuffer() })
  const server = createServer((incoming, response) => {
    const [, index = '0', framing] = (incoming.url ?? '').split('/')
    const body = BODIES[Number(index)] ?? Buffer.alloc(0)
    if (framing === 'length') response.setHeader('content-length', body.length)
    for (let at = 0; at < body.length; at += 50_021) response.write(body.subarray(at, at + 50_021))
    response.end()
  })
  after(() => {
    agent.destroy()
    server.close()
  })

  it('gives every answer its own bytes, also where many arrive at once and are kept', async () => {
    const port = await listen(server)
    const read = async (index: number, framing: string): Promise<void> => {
      const answer = await ask(agent, port, `/${index}/${framing}`)
      const parts: Buffer[] = []
      // A reader that is slower than the network: reading stops and goes on.
      for await (const part of answer) {
        parts.push(part as Buffer)
        if (parts.length % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      assert.ok(Buffer.concat(parts).equals(BODIES[index] ?? Buffer.alloc(0)))
    }
    for (const framing of ['length', 'chunked']) {
      await Promise.all(BODIES.map((_, index) => read(index, framing)))
    }
  })

  it('closes a connection whose other end speaks without being asked', async () => {
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const rude = createNetServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        resolve(socket)
      })
    })
    const port = await listen(rude)
    const own = new Agent({ keepAlive: true, ...readIntoOneBuffer() })
    const freed = once(own, 'free')
    const answer = await ask(own, port, '/')
    answer.resume()
    const socket = await promise
    await freed
    const closed = once(socket, 'close')
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nsmile')
    await closed
    own.destroy()
    rude.close()
  })
})
