/** Sends the same bytes over keep-alive connections and times each answer: a minimal client. */
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array
  readonly seconds: number
  readonly failures: number
}

const headEnd = Buffer.from('\r\n\r\n')

/** Length of the first whole answer in `bytes`, or 0. */
const answerLength = (bytes: Buffer): number => {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return 0
  const head = bytes.toString('latin1', 0, end).toLowerCase()
  const length = /content-length: (\d+)/.exec(head)?.[1]
  if (length !== undefined) {
    const total = end + 4 + Number(length)
    return bytes.length >= total ? total : 0
  }
  const last = bytes.indexOf('0\r\n\r\n', end + 4)
  return last < 0 ? 0 : last + 5
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })

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
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  const started = performance.now()
  await new Promise<void>((resolve, reject) => {
    for (const socket of sockets) {
      let rest: Buffer = Buffer.alloc(0)
      let at = 0
      const next = (): void => {
        if (sent >= requests) return
        sent++
        at = performance.now()
        socket.write(request)
      }
      socket.on('data', (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        const length = answerLength(rest)
        if (length === 0) return
        if (rest.toString('latin1', 9, 12) !== '200') failures++
        rest = rest.subarray(length)
        latencies[done++] = performance.now() - at
        if (done === requests) resolve()
        else next()
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('a connection was closed under load')))
      next()
    }
  })
  const seconds = (performance.now() - started) / 1000
  for (const socket of sockets) {
    socket.removeAllListeners('close')
    socket.destroy()
  }
  return { latencies: latencies.sort(), seconds, failures }
}

export const quantile = (sorted: Float64Array, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
