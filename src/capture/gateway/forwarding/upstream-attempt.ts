/**
 * One request to an upstream, to the head of its answer or to what went wrong. An upstream may be
 * silent, slow or broken in each phase; there is always one outcome, in bounded time.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf, systemCodeOf } from '../../../platform/errors.ts'
import { CallFault, isStatusError } from '../../faults/call-fault.ts'
import type { GatewayLimits } from '../gateway-options.ts'
import { endInOneWrite } from './one-write.ts'
import type { UpstreamAnswer, UpstreamBody, UpstreamCall } from './upstream.ts'

type Limits = Pick<
  GatewayLimits,
  'upstreamConnectMs' | 'upstreamQueueMs' | 'upstreamWriteMs' | 'upstreamIdleMs'
>

/** Interim answers (100, 102, 103) before the answer itself; a service sends one, if any. */
const INTERIM_MAX = 32
/** Held bodies above this may have to wait for the upstream to take them. Bytes. */
const AT_ONCE_BYTES_MAX = 64 * 1024

const nameOf = ({ name, url }: UpstreamCall): string => `The upstream ${url.origin} of ${name}`

/** Nothing of the request has left: it was not carried out. */
const unreachable = (call: UpstreamCall, reason: string, cause?: unknown): CallFault =>
  new CallFault(503, 'ServiceUnavailable', `${nameOf(call)} cannot be reached (${reason}).`, {
    cause,
  })

const brokenOff = (call: UpstreamCall, reason: string, cause?: unknown): CallFault =>
  new CallFault(502, 'BadGateway', `${nameOf(call)} broke off (${reason}).`, {
    cause,
    outcomeUnknown: true,
  })

const tooSlow = (call: UpstreamCall, what: string): CallFault =>
  new CallFault(504, 'GatewayTimeout', `${nameOf(call)} ${what}.`, { outcomeUnknown: true })

/** `sent`: the upstream had a connection to take the request from. */
const faultOf = (call: UpstreamCall, sent: boolean, error: unknown): Error => {
  if (isStatusError(error)) return error
  const { aborted, reason: why } = call.signal
  if (aborted && isStatusError(why)) return why
  const reason = systemCodeOf(error) ?? messageOf(error)
  return sent ? brokenOff(call, reason, error) : unreachable(call, reason, error)
}

/** An answer that cannot be passed on, by its head. */
const unusable = ({ statusCode = 0, headers }: IncomingMessage): string | undefined => {
  if (statusCode < 200 || statusCode > 599) return `status ${statusCode}`
  const coding = headers['transfer-encoding']
  // Without a length and without chunks nobody can tell the end from a break (RFC 9112 section 6.3).
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return 'transfer coding'
  return undefined
}

const sendBody = (
  request: ClientRequest,
  body: UpstreamBody,
  giveUp: (error: Error) => void,
): void => {
  if (body.kind === 'whole') {
    endInOneWrite(request, body.bytes)
    return
  }
  // A body that does not verify destroys the stream: the upstream sees an aborted request.
  body.stream.once('error', giveUp)
  body.stream.pipe(request)
}

const connectEvent = ({ url }: UpstreamCall): string =>
  url.protocol === 'https:' ? 'secureConnect' : 'connect'

/** The time that each phase may take; `stop` ends the one that is watched. */
const watchPhases = (
  request: ClientRequest,
  call: UpstreamCall,
  limits: Limits,
  giveUp: (fault: CallFault) => void,
) => {
  let timer: NodeJS.Timeout | undefined
  const allow = (ms: number, fault: () => CallFault): void => {
    clearTimeout(timer)
    timer = setTimeout(() => giveUp(fault()), ms)
  }
  const stop = (): void => clearTimeout(timer)
  const awaitAnswer = (): void =>
    allow(limits.upstreamIdleMs, () => tooSlow(call, 'did not answer in time'))
  const sending = (): void => {
    const { body } = call
    if (body.kind === 'whole' && body.bytes.length <= AT_ONCE_BYTES_MAX) {
      request.setTimeout(limits.upstreamIdleMs)
      awaitAnswer()
      return
    }
    // The pace of a stream is watched where it comes from (body-pace.ts).
    stop()
    request.setTimeout(body.kind === 'whole' ? limits.upstreamWriteMs : limits.upstreamIdleMs)
    const done = (): void => {
      request.setTimeout(limits.upstreamIdleMs)
      awaitAnswer()
    }
    if (request.writableFinished) done()
    else request.once('finish', done)
  }
  const onSocket = (socket: Socket): void => {
    if (!socket.connecting) {
      sending()
      return
    }
    allow(limits.upstreamConnectMs, () => unreachable(call, 'took too long to connect'))
    socket.once(connectEvent(call), sending)
  }
  allow(limits.upstreamQueueMs, () => unreachable(call, 'too many requests are waiting for it'))
  request.once('socket', onSocket)
  request.once('timeout', () => giveUp(tooSlow(call, 'fell silent')))
  return { stop }
}

const attempt = (
  call: UpstreamCall,
  request: ClientRequest,
  limits: Limits,
): Promise<UpstreamAnswer> =>
  new Promise((resolve, reject) => {
    let connected = false
    let answer: IncomingMessage | undefined
    let interim = 0

    const fail = (error: unknown): void => {
      phases.stop()
      const fault = faultOf(call, connected, error)
      // An answer that ends with its connection must not look complete when that was reset.
      if (answer?.complete === false) answer.destroy(fault)
      const { body } = call
      if (body.kind === 'stream' && !request.writableFinished) body.stream.destroy(fault)
      reject(fault)
    }
    // Node tells a request that waits for a connection nothing until it has one.
    const giveUp = (fault: Error): void => {
      request.destroy(fault)
      fail(fault)
    }
    const phases = watchPhases(request, call, limits, giveUp)
    const onAbort = (): void => giveUp(new Error('The request was given up.'))
    call.signal.addEventListener('abort', onAbort, { once: true })
    request.once('socket', (socket) => {
      connected = !socket.connecting
      if (!connected) socket.once(connectEvent(call), () => (connected = true))
    })
    request
      .on('information', () => {
        if (++interim > INTERIM_MAX) giveUp(brokenOff(call, 'too many interim answers'))
      })
      .once('upgrade', (_answer, socket: Socket) => {
        socket.destroy()
        fail(brokenOff(call, 'it wants another protocol'))
      })
      .once('response', (given: IncomingMessage) => {
        phases.stop()
        const reason = unusable(given)
        if (reason !== undefined) {
          giveUp(brokenOff(call, reason))
          return
        }
        answer = given
        const drop = (): void => {
          if (!request.writableFinished) request.destroy()
        }
        resolve({ answer, drop })
      })
      .on('error', fail)
      .once('close', () => {
        phases.stop()
        call.signal.removeEventListener('abort', onAbort)
        // With neither answer nor error, or before it took the whole body.
        if (answer === undefined || !request.writableFinished) fail(new Error('connection closed'))
      })
    sendBody(request, call.body, giveUp)
  })

/** A kept-alive connection that its upstream had closed already: nobody read the request. */
const wasStale = (request: ClientRequest, error: unknown): boolean => {
  const cause = error instanceof CallFault ? error.cause : error
  return request.reusedSocket && /^(?:ECONNRESET|EPIPE)$/.test(systemCodeOf(cause) ?? '')
}

/**
 * `open` makes the request; with `true` over a connection of its own. Rejects with CallFault, or with
 * what the body failed by.
 */
export const sendToUpstream = async (
  call: UpstreamCall,
  open: (again: boolean) => ClientRequest,
  limits: Limits,
): Promise<UpstreamAnswer> => {
  const begin = (again: boolean): ClientRequest => {
    if (call.signal.aborted) throw brokenOff(call, 'the request was given up before')
    try {
      return open(again)
    } catch (cause) {
      // Node refuses paths and header values that cannot be written.
      throw new CallFault(400, 'InvalidRequest', 'The request cannot be passed on.', { cause })
    }
  }
  const request = begin(false)
  try {
    return await attempt(call, request, limits)
  } catch (error) {
    const again = call.repeatable && call.body.kind === 'whole' && wasStale(request, error)
    if (!again) throw error
    return attempt(call, begin(true), limits)
  }
}
