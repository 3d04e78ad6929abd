/** Taking the body of a request in, whole or as a stream. */
import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { CallFault } from '../../faults/call-fault.ts'
import type { GatewayLimits } from '../gateway-options.ts'
import { gatherBytes } from './gathered-bytes.ts'

const EMPTY = Buffer.alloc(0)

/** The client went away before its request was complete. */
export const incompleteBody = (): CallFault =>
  new CallFault(400, 'IncompleteBody', 'The request body terminated unexpectedly')

const timedOut = (): CallFault =>
  new CallFault(
    400,
    'RequestTimeout',
    'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
  )

const tooLarge = (bytesMax: number): CallFault =>
  new CallFault(
    413,
    'RequestEntityTooLarge',
    `The request body is larger than the ${bytesMax} bytes that are accepted.`,
  )

/** Memory for held bodies, shared by all requests. */
export interface BodyBudget {
  /** False when that much is not left. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export const createBodyBudget = (bytesMax: number): BodyBudget => {
  let left = bytesMax
  return {
    take: (bytes) => {
      if (bytes > left) return false
      left -= bytes
      return true
    },
    give: (bytes) => {
      left += bytes
    },
  }
}

/** Ends a body that is being read, with an error: a broken connection, a shutdown. */
export type FailBody = (error: Error) => void

export interface WholeBodyOptions {
  readonly contentLength: number | undefined
  readonly bytesMax: number
  readonly budget: BodyBudget
  readonly limits: Pick<GatewayLimits, 'bodyIdleMs' | 'bodyMs'>
  /** Receives the means to fail the reading from outside. */
  readonly onStart: (fail: FailBody) => void
}

/**
 * The whole body in memory. The caller gives `length` back to the budget when he is done with it.
 * Rejects with CallFault.
 */
export const readWhole = (request: IncomingMessage, options: WholeBodyOptions): Promise<Buffer> => {
  const { contentLength, bytesMax, budget, limits } = options
  if (contentLength === 0) return Promise.resolve(EMPTY)
  return new Promise((resolve, reject) => {
    const gathered = gatherBytes()
    let length = 0
    let taken = 0

    const settle = (): void => {
      clearTimeout(total)
      request.setTimeout(0)
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('timeout', onTimeout)
    }
    const fail: FailBody = (error) => {
      settle()
      budget.give(taken)
      reject(error)
    }
    const take = (bytes: number): boolean => {
      if (length + bytes > bytesMax) {
        fail(tooLarge(bytesMax))
        return false
      }
      if (!budget.take(bytes)) {
        fail(new CallFault(503, 'SlowDown', 'Please reduce your request rate.'))
        return false
      }
      taken += bytes
      return true
    }
    const onData = (part: Buffer): void => {
      if (!take(part.length)) return
      length += part.length
      gathered.add(part)
    }
    const onEnd = (): void => {
      settle()
      resolve(gathered.whole())
    }
    const onClose = (): void => fail(incompleteBody())
    const onTimeout = (): void => fail(timedOut())
    const total = setTimeout(onTimeout, limits.bodyMs)

    // What is known to be too large is refused before the client sends it.
    if (contentLength !== undefined && contentLength > bytesMax) {
      fail(tooLarge(bytesMax))
      return
    }
    request.on('data', onData).once('end', onEnd).once('close', onClose)
    request.setTimeout(limits.bodyIdleMs).once('timeout', onTimeout)
    options.onStart(fail)
  })
}

/**
 * Pipes the body into `stream` with back-pressure. Unlike `pipeline` it leaves the connection alone
 * when the stream fails: the client still has to be told. The stream is destroyed with a CallFault
 * when the client stalls or goes away.
 */
export const feedBody = (
  request: IncomingMessage,
  stream: Transform,
  idleMs: number,
  onStart: (fail: FailBody) => void,
): void => {
  const fail: FailBody = (error) => stream.destroy(error)
  const onTimeout = (): void => fail(timedOut())
  const onClose = (): void => {
    if (!request.complete) fail(incompleteBody())
  }
  request.setTimeout(idleMs).once('timeout', onTimeout)
  request.once('close', onClose)
  stream.once('close', () => {
    request.off('timeout', onTimeout).off('close', onClose)
    request.setTimeout(0)
    request.unpipe(stream)
  })
  onStart(fail)
  request.pipe(stream)
}
