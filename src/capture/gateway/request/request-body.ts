/** Taking the body of a request in, whole or as a stream. */
import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { CallFault } from '../../faults/call-fault.ts'
import type { GatewayLimits } from '../gateway-options.ts'
import { watchPace } from './body-pace.ts'
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

const outOfMemory = (): CallFault =>
  new CallFault(503, 'SlowDown', 'Please reduce your request rate.')

/** A body that is arriving. */
export interface BodyReading {
  /** Ends it and gives back what it holds. */
  readonly fail: FailBody
}

/** Memory for held bodies, shared by all requests. */
export interface BodyBudget {
  /**
   * False when that much is not left, even after the bodies that have been arriving for longer than
   * this one were given up: so those who never finish do not keep out the others. `reading` absent:
   * the body is here already.
   */
  take(bytes: number, reading?: BodyReading): boolean
  /** The body has arrived, or failed: it is not given up any more. */
  done(reading: BodyReading): void
  give(bytes: number): void
}

export const createBodyBudget = (bytesMax: number): BodyBudget => {
  let left = bytesMax
  /** The oldest first. */
  const arriving = new Set<BodyReading>()
  return {
    take: (bytes, reading) => {
      if (reading !== undefined) arriving.add(reading)
      while (bytes > left) {
        const [oldest] = arriving
        if (oldest === undefined || oldest === reading) return false
        oldest.fail(outOfMemory())
        arriving.delete(oldest)
      }
      left -= bytes
      return true
    },
    done: (reading) => arriving.delete(reading),
    give: (bytes) => {
      left += bytes
    },
  }
}

export type PaceLimits = Pick<GatewayLimits, 'bodyIdleMs' | 'bodyBytesPerSecondMin'>

/** Ends a body that is being read, with an error: a broken connection, a shutdown. */
export type FailBody = (error: Error) => void

export interface WholeBodyOptions {
  readonly contentLength: number | undefined
  readonly bytesMax: number
  readonly budget: BodyBudget
  readonly limits: PaceLimits & Pick<GatewayLimits, 'bodyMs'>
  /** Receives the means to fail the reading from outside. */
  readonly onStart: (fail: FailBody) => void
}

/** Nearly every body comes in one piece with its head: then nobody has to wait, or watch it. */
const readAtOnce = (
  request: IncomingMessage,
  { contentLength, bytesMax, budget }: WholeBodyOptions,
): Buffer | undefined => {
  if (contentLength === undefined || contentLength > bytesMax) return undefined
  if (request.readableLength !== contentLength || !budget.take(contentLength)) return undefined
  const whole: unknown = request.read()
  // Lets it end, so that the connection can take the next request.
  request.resume()
  if (Buffer.isBuffer(whole) && whole.length === contentLength) return whole
  budget.give(contentLength)
  return undefined
}

/**
 * The whole body in memory. The caller gives `length` back to the budget when he is done with it.
 * Rejects with CallFault.
 */
export const readWhole = (request: IncomingMessage, options: WholeBodyOptions): Promise<Buffer> => {
  const { contentLength, bytesMax, budget, limits } = options
  if (contentLength === 0) return Promise.resolve(EMPTY)
  const atOnce = readAtOnce(request, options)
  if (atOnce !== undefined) return Promise.resolve(atOnce)
  return new Promise((resolve, reject) => {
    const gathered = gatherBytes()
    let length = 0
    let taken = 0
    let settled = false

    const settle = (): void => {
      settled = true
      stopWatch()
      budget.done(reading)
      request.off('data', onData).off('end', onEnd).off('close', onClose)
    }
    const fail: FailBody = (error) => {
      // Bytes that are no HTTP may follow a body that was refused: the memory is given back once.
      if (settled) return
      settle()
      budget.give(taken)
      reject(error)
    }
    const reading: BodyReading = { fail }
    const take = (bytes: number): boolean => {
      if (length + bytes > bytesMax) {
        fail(tooLarge(bytesMax))
        return false
      }
      if (!budget.take(bytes, reading)) {
        fail(outOfMemory())
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
    const stopWatch = watchPace(request, {
      limits,
      totalMs: limits.bodyMs,
      tooSlow: () => fail(timedOut()),
    })

    // What is known to be too large is refused before the client sends it.
    if (contentLength !== undefined && contentLength > bytesMax) {
      fail(tooLarge(bytesMax))
      return
    }
    request.on('data', onData).once('end', onEnd).once('close', onClose)
    options.onStart(fail)
  })
}

const stuck = (): CallFault =>
  new CallFault(504, 'GatewayTimeout', 'The service stopped taking the request body.', {
    outcomeUnknown: true,
  })

/**
 * Pipes the body into `stream` with back-pressure. Unlike `pipeline` it leaves the connection alone
 * when the stream fails: the client still has to be told. The stream is destroyed with a CallFault
 * when the client stalls or goes away, or when nobody takes the body.
 */
export const feedBody = (
  request: IncomingMessage,
  stream: Transform,
  limits: PaceLimits,
  onStart: (fail: FailBody) => void,
): void => {
  const fail: FailBody = (error) => stream.destroy(error)
  const stopWatch = watchPace(request, {
    limits,
    tooSlow: () => fail(timedOut()),
    heldUp: () => stream.writableNeedDrain,
    stuck: () => fail(stuck()),
  })
  const onClose = (): void => {
    if (!request.complete) fail(incompleteBody())
  }
  request.once('close', onClose).once('end', stopWatch)
  stream.once('close', () => {
    stopWatch()
    request.off('close', onClose).off('end', stopWatch)
    request.unpipe(stream)
  })
  onStart(fail)
  request.pipe(stream)
}
