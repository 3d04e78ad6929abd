/** An upstream that is no HTTP server: each connection runs a script of bytes, silence and resets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import {
  headBytes,
  jsonCall,
  type MemoryRecorder,
  rawConnection,
  type Sending,
  type TestRecord,
} from '../../src/capture/gateway/gateway.test-support.ts'

export interface RawConnection {
  readonly socket: Socket
  /** What came so far, as Latin-1. */
  received(): string
  /** Resolves when that came; never where it does not. */
  until(wanted: RegExp): Promise<void>
}

/** `script` runs once per connection; what it throws fails nothing, its connection just stays. */
export const startRawUpstream = async (
  t: { after(end: () => void): void },
  script: (connection: RawConnection, index: number) => unknown,
) => {
  const connections: RawConnection[] = []
  const server = createServer((socket) => {
    const parts: string[] = []
    let wake = (): void => {}
    socket.on('error', () => {})
    socket.on('data', (part: Buffer) => {
      parts.push(part.toString('latin1'))
      wake()
    })
    const connection: RawConnection = {
      socket,
      received: () => parts.join(''),
      until: async (wanted) => {
        while (!wanted.test(parts.join(''))) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      },
    }
    connections.push(connection)
    script(connection, connections.length - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return { url, connections, server }
}

/** Waits for the head of a request, then sends these bytes; `end` says how the connection goes on. */
export const answering =
  (bytes: string, end: 'stays' | 'closes' | 'resets' = 'stays') =>
  async ({ socket, until }: RawConnection): Promise<void> => {
    await until(/\r\n\r\n/)
    if (end === 'resets') {
      // Both are on their way before the reset, or else it would overtake the bytes.
      socket.write(bytes, 'latin1', () => setImmediate(() => socket.resetAndDestroy()))
    } else {
      socket[end === 'closes' ? 'end' : 'write'](bytes, 'latin1')
    }
  }

export interface Seen {
  /** Everything until the gateway closed the connection, or until the answer was whole. */
  readonly text: string
  readonly status: number
  readonly record: TestRecord
}

export const READ = jsonCall('GetTrail')
export const WRITE = jsonCall('CreateTrail')
export const UPLOAD: Sending = {
  service: 's3',
  method: 'PUT',
  path: '/bucket/key',
  headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
}

/** One call on a connection that closes behind its answer, and the one record that it left. */
export const callOnce = async (
  t: TestContext,
  { port, recorder }: { port: number; recorder: MemoryRecorder },
  call: Sending,
  body = call.body === undefined ? Buffer.alloc(0) : Buffer.from(call.body),
): Promise<Seen> => {
  const before = recorder.events.length
  const { socket, text } = await rawConnection(t, port)
  const lines = ['connection: close', `content-length: ${body.length}`]
  socket.write(Buffer.concat([await headBytes(port, call, lines), body]))
  const answer = await text()
  const records = await recorder.reach(before + 1)
  assert.equal(records.length, before + 1, 'recorded once')
  const [record] = records.slice(-1)
  assert.ok(record !== undefined)
  return { text: answer, status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), record }
}

/** Every intent has exactly one event with its id: none is left to be resolved at the next start. */
export const assertIntentsResolved = ({ intents, events }: MemoryRecorder): void => {
  for (const { eventId } of intents) {
    assert.equal(events.filter((event) => event.eventId === eventId).length, 1, eventId)
  }
}
