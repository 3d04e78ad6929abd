/**
 * One request and its one answer. Whatever goes wrong, and however often, the client gets the first
 * answer only, and a call that was begun is recorded exactly once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServiceAnswer } from '../../identity/verified-call.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import { s3RequestId, uuid } from '../../platform/ids.ts'
import type { AwsProtocol, CapturedCall } from '../call.ts'
import { CallFault, internalFailure, isStatusError } from '../faults/call-fault.ts'
import { errorAnswer } from '../faults/error-answer.ts'
import { protocolGuess } from '../faults/protocol-guess.ts'
import { isS3Family } from '../signature/canonical-request.ts'
import type { AnswerFacts, GatewayContext } from './gateway-context.ts'
import type { FailBody } from './request/request-body.ts'
import type { WireHead } from './request/wire-head.ts'

/** What an unreadable head is answered as. */
const NO_HEAD: WireHead = {
  method: '',
  rawPath: '/',
  rawQuery: '',
  headers: {},
  rawHeaders: [],
  contentLength: 0,
}

/** Whether its call was carried out all the same is the service's secret. */
export const clientLeft = (): CallFault =>
  new CallFault(499, 'RequestAborted', 'The client left before the answer.', {
    outcomeUnknown: true,
  })

export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedAt: number
  readonly #context: GatewayContext
  readonly #begun: number
  readonly #abort = new AbortController()
  head: WireHead = NO_HEAD
  /** Of the signature, once it was read. */
  signingName: string | undefined
  /** Of the identity, once it is known; guessed from the head until then. */
  protocol: AwsProtocol | undefined
  /** Its head alone proves who sent it. */
  proven = false
  /** Bytes of the body that are held in memory, on the shared budget. */
  heldBytes = 0
  /** Set once the call is to be recorded, however it ends. */
  call: CapturedCall | undefined
  /** The outcome counts even if the client goes away: a management write was handed over whole. */
  seeThrough = false
  /** Bytes of payload that came in. */
  bytesIn: () => number = () => 0
  #failBody: FailBody = () => {}
  /** What ends a body before anybody began to read it. */
  #broken: CallFault | undefined
  #awaitsContinue: boolean
  #serviceBegun: number | undefined
  #serviceMs = 0
  #requestId: string | undefined
  #recorded = false
  #answered = false

  constructor(
    context: GatewayContext,
    request: IncomingMessage,
    response: ServerResponse,
    awaitsContinue: boolean,
  ) {
    this.#context = context
    this.request = request
    this.response = response
    this.startedAt = context.options.clock.now()
    this.#begun = context.options.clock.monotonic()
    this.#awaitsContinue = awaitsContinue
    response.once('close', () => {
      if (!response.writableFinished && !this.seeThrough) this.#abort.abort()
    })
    // A client that resets its connection is no error of ours; `close` follows.
    response.on('error', () => {})
    request.on('error', () => {})
  }

  /** S3's form where the request is S3's, a UUID otherwise. */
  get requestId(): string {
    const s3 = this.signingName !== undefined && isS3Family(this.signingName)
    this.#requestId ??= s3 ? s3RequestId() : uuid()
    return this.#requestId
  }

  /** Aborted when the client goes away, unless the outcome counts; and when the gateway closes. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * The body is being read, and `fail` ends that. Bytes that are no HTTP may have come in one piece
   * with the head, while its signature was verified: then there is nothing to wait for.
   */
  readsBody(fail: FailBody): void {
    this.#failBody = fail
    if (this.#broken !== undefined && !this.request.complete) fail(this.#broken)
    else this.wantBody()
  }

  /** The gateway closes: nothing is waited for any more. */
  cut(): void {
    const error = new CallFault(503, 'ServiceUnavailable', 'Clew is shutting down.', {
      outcomeUnknown: true,
    })
    this.#failBody(error)
    this.#abort.abort(error)
    this.response.destroy()
  }

  /** The connection sent bytes that are no HTTP. What was complete before them is still answered. */
  breakOff(error: CallFault): void {
    this.response.shouldKeepAlive = false
    this.#broken = error
    if (!this.request.complete) this.#failBody(error)
  }

  /** Lets a client that waits for it send its body. MUST follow the head's verification. */
  wantBody(): void {
    if (this.#awaitsContinue) this.response.writeContinue()
    this.#awaitsContinue = false
  }

  /** The answer has left, or the connection is gone; a client that takes nothing is cut off. */
  async sent(): Promise<void> {
    const { response } = this
    if (response.writableFinished || response.destroyed) return
    const timer = setTimeout(() => response.destroy(), this.#context.limits.answerIdleMs)
    await new Promise((resolve) => response.once('close', resolve))
    clearTimeout(timer)
  }

  /** One line for every request. */
  log(): void {
    const { method, rawPath } = this.head
    const { clock, logger } = this.#context.options
    logger.debug(
      {
        requestId: this.requestId,
        eventId: this.call?.eventId,
        eventName: this.call?.identity.eventName,
        method,
        path: rawPath,
        status: this.response.statusCode,
        ms: clock.monotonic() - this.#begun,
      },
      'request',
    )
  }

  /** The time between the two is the service's, not capture's. */
  serviceBegins(): void {
    this.#serviceBegun = this.#context.options.clock.monotonic()
  }

  serviceEnds(): void {
    if (this.#serviceBegun === undefined) return
    this.#serviceMs = this.#context.options.clock.monotonic() - this.#serviceBegun
    this.#serviceBegun = undefined
  }

  get clientGone(): boolean {
    const { request, response } = this
    return !response.writableFinished && (response.destroyed || request.socket.destroyed)
  }

  /**
   * Makes the call's events durable; nothing is released before. Only the first call counts.
   * Throws CallFault when neither journal nor spool takes them.
   */
  async record(answer: AnswerFacts, call = this.call): Promise<void> {
    if (call === undefined || this.#recorded) return
    this.#recorded = true
    this.serviceEnds()
    const { options, telemetry } = this.#context
    const completedAt = options.clock.now()
    try {
      const events = options.recordCall(call, { ...answer, bytesIn: this.bytesIn(), completedAt })
      await options.recorder.record(events)
    } catch (error) {
      telemetry.journalRefused('record')
      const { eventId, identity } = call
      // One line for each: nothing else tells that this call was carried out.
      options.logger.error(
        {
          reason: messageOf(error),
          // Where it failed matters only where nobody foresaw it.
          ...(error instanceof CodedError ? {} : { error }),
          ...{ eventId, requestId: this.requestId, eventName: identity.eventName },
        },
        'a call cannot be recorded; its answer is withheld',
      )
      throw internalFailure(error)
    }
    const totalMs = options.clock.monotonic() - this.#begun
    telemetry.call(call.identity, answer.status, totalMs, this.#serviceMs)
  }

  /** Answers with an error, records the call if it was begun, and logs what an operator must see. */
  async fail(error: unknown): Promise<void> {
    const fault = this.#faultOf(error)
    const answer = this.#errorAnswer(fault)
    try {
      await this.#recordFault(fault, answer)
    } catch (failure) {
      this.#refuse(this.#errorAnswer(this.#faultOf(failure)))
      return
    }
    this.#refuse(answer)
  }

  #faultOf(error: unknown): CallFault {
    if (this.signal.aborted && !(this.signal.reason instanceof CallFault)) {
      return clientLeft()
    }
    if (error instanceof CallFault) return error
    if (isStatusError(error)) return new CallFault(error.status, error.code, error.message)
    const { requestId } = this
    this.#context.options.logger.error({ error, requestId }, 'a request failed unexpectedly')
    return internalFailure(error)
  }

  #errorAnswer(fault: CallFault): ServiceAnswer {
    return errorAnswer(this.protocol ?? protocolGuess(this.head, this.signingName), {
      code: fault.code,
      message: fault.message,
      status: fault.status,
      requestId: this.requestId,
      resource: this.head.rawPath,
      ...(fault.details && { details: fault.details }),
    })
  }

  async #recordFault(fault: CallFault, answer: ServiceAnswer): Promise<void> {
    const { code, message } = fault
    // A call that never reached its service was not carried out; of a read that makes no difference.
    const incomplete =
      fault.outcomeUnknown && this.#serviceBegun !== undefined && !this.call?.identity.readOnly
    await this.record({
      status: this.clientGone ? 0 : fault.status,
      headers: answer.headers,
      body: undefined,
      bytesOut: 0,
      fault: { code, message },
      ...(incomplete && { incomplete }),
    })
  }

  #refuse({ status, headers, body }: ServiceAnswer): void {
    const { response, head } = this
    if (this.#answered || response.headersSent) {
      response.destroy()
      return
    }
    this.begin(status, Object.entries(headers).flat())
    response.end(head.method === 'HEAD' ? undefined : body)
  }

  /** Writes the head of the answer; the first of them is the only one. */
  begin(status: number, headers: readonly string[]): void {
    this.#answered = true
    this.response.writeHead(status, [...headers])
    const { complete, closed } = this.request
    if (!complete && !closed) this.#drain()
  }

  /** The rest of a refused body is read, or else the client would see a reset, not the refusal. */
  #drain(): void {
    const { request } = this
    const { drainBytesMax, drainMs } = this.#context.limits
    const timer = setTimeout(() => request.destroy(), drainMs)
    let drained = 0
    // Nobody else reads it any more; whoever did may have left it paused.
    request.unpipe()
    request.on('data', (part: Buffer) => {
      drained += part.length
      if (drained > drainBytesMax) request.destroy()
    })
    // Once it is answered, Node does not tell the request when its connection closes.
    const { socket } = request
    const settle = (): void => {
      clearTimeout(timer)
      socket.off('close', settle)
    }
    request.once('end', settle).once('close', settle)
    socket.once('close', settle)
    request.resume()
  }
}
