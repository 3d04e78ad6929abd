/**
 * A client as light as Node allows, because it shares the cores with what it measures: raw sockets,
 * the same bytes again and again, signed ahead of time. One request at a time on each connection.
 */
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array
  readonly seconds: number
  /** Answers other than 200. */
  readonly failures: number
  /** CPU of this process, microseconds per call. */
  readonly cpuMicros: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const CONTENT_LENGTH = /content-length: (\d+)/i

/** Length of the first whole answer in `bytes`, or 0. */
const answerLength = (bytes: Buffer): number => {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return 0
  const length = CONTENT_LENGTH.exec(bytes.toString('latin1', 0, end))?.[1]
  if (length !== undefined) {
    const total = end + HEAD_END.length + Number(length)
    return bytes.length >= total ? total : 0
  }
  const last = bytes.indexOf(LAST_CHUNK, end + HEAD_END.length)
  return last < 0 ? 0 : last + LAST_CHUNK.length
}

/** A keep-alive connection. `ask` resolves with the whole answer; one at a time. */
export interface Connection {
  /** `answered` gets head and body as they came. */
  ask(request: Buffer, answered: (answer: Buffer) => void): void
  close(): void
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.removeListener('error', reject)
      resolve(socket)
    })
    socket.setNoDelay(true)
    socket.once('error', reject)
  })

/** `failed` is told when the connection breaks. */
export const openConnection = async (
  port: number,
  failed: (error: Error) => void,
): Promise<Connection> => {
  const socket = await open(port)
  let rest: Buffer = Buffer.alloc(0)
  let waiting: ((answer: Buffer) => void) | undefined
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const length = answerLength(rest)
    if (length === 0) return
    const answer = rest.subarray(0, length)
    rest = rest.subarray(length)
    const answered = waiting
    waiting = undefined
    answered?.(answer)
  })
  socket.once('error', failed)
  socket.once('close', () => failed(new Error('a connection was closed under load')))
  return {
    ask: (request, answered) => {
      waiting = answered
      socket.write(request)
    },
    close: () => {
      socket.removeAllListeners('close')
      socket.destroy()
    },
  }
}

export const isOk = (answer: Buffer): boolean =>
  answer[9] === 0x32 && answer[10] === 0x30 && answer[11] === 0x30

/** Closed loop: every connection sends its next request when it has its answer. */
export const load = async (
  port: number,
  request: Buffer,
  connections: number,
  requests: number,
): Promise<LoadResult> => {
  const latencies = new Float64Array(requests)
  let sent = 0
  let done = 0
  let failures = 0
  const finished = Promise.withResolvers<void>()
  const clients = await Promise.all(
    Array.from({ length: connections }, () => openConnection(port, finished.reject)),
  )
  const cpu = process.cpuUsage()
  const started = performance.now()
  for (const client of clients) {
    const next = (): void => {
      if (sent >= requests) return
      sent++
      const at = performance.now()
      client.ask(request, (answer) => {
        if (!isOk(answer)) failures++
        latencies[done++] = performance.now() - at
        if (done === requests) finished.resolve()
        else next()
      })
    }
    next()
  }
  try {
    await finished.promise
  } finally {
    for (const client of clients) client.close()
  }
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { latencies: latencies.sort(), seconds, failures, cpuMicros: (user + system) / requests }
}
