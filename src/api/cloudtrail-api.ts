/**
 * The CloudTrail API as a service that Clew answers itself. The gateway has verified the signature,
 * and records the call from what is answered here.
 */
import type { Readable } from 'node:stream'
import type { Registry } from 'prom-client'
import { Fault } from '../contract/fault.ts'
import type { BuiltinService, ServiceAnswer, VerifiedCall } from '../identity/verified-call.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { Authorize } from './authorize.ts'
import { dispatch, nameOf } from './dispatch.ts'
import type { Operations } from './operations.ts'
import { createRateLimit, type RequestRates } from './rate-limit.ts'
import { createApiTelemetry } from './telemetry.ts'
import { answerFault, answerOutput } from './wire.ts'

/** The largest bodies are PutEventSelectors with 500 values of 2,048 characters, four bytes each. */
export const API_BODY_BYTES_MAX = 5 * 1024 * 1024

export interface ApiLimits {
  /** Bytes of a request's body. */
  readonly bodyBytesMax: number
  /** Requests per second, per account and region; {} for none. */
  readonly requestsPerSecond: RequestRates
}

export interface CloudTrailApiOptions {
  readonly operations: Operations
  readonly authorize: Authorize
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry
  readonly limits: ApiLimits
}

/** What was not read must not keep the connection waiting. */
const drain = (body: Buffer | Readable): void => {
  if (Buffer.isBuffer(body) || body.readableEnded || body.destroyed) return
  // The answer is decided; that the rest does not arrive or does not verify changes nothing.
  body.on('error', () => {})
  body.resume()
}

/** Never rejects, save when the body's stream fails: then the gateway knows why. */
export const createCloudTrailApi = (options: CloudTrailApiOptions): BuiltinService => {
  const { operations, clock, logger, limits } = options
  const telemetry = createApiTelemetry(options.registry)
  const dispatchOptions = {
    operations,
    authorize: options.authorize,
    clock,
    mayCall: createRateLimit(limits.requestsPerSecond, clock),
    bodyBytesMax: limits.bodyBytesMax,
  }

  /** What an operation throws besides its faults is our bug or a broken disk, not the client's. */
  const faultOf = (error: unknown, call: VerifiedCall, operation: string): Fault => {
    const fault =
      error instanceof Fault
        ? error
        : new Fault('InternalFailure', 'The request failed because of an internal error.', {
            cause: error,
          })
    if (fault.status >= 500) {
      logger.error(
        { requestId: call.requestId, operation, error: fault.cause },
        'a call of the CloudTrail API failed',
      )
    }
    return fault
  }

  return async (call): Promise<ServiceAnswer> => {
    const started = clock.monotonic()
    let operation = 'unknown'
    let code = 'ok'
    try {
      const name = nameOf(call, operations)
      operation = name
      return answerOutput(await dispatch(name, call, dispatchOptions), call.requestId)
    } catch (error) {
      if (!Buffer.isBuffer(call.body) && call.body.errored !== null) throw error
      const fault = faultOf(error, call, operation)
      code = fault.code
      logger.debug({ requestId: call.requestId, operation, code, why: messageOf(error) }, 'refused')
      return answerFault(fault, call.requestId)
    } finally {
      telemetry.answered(operation, code, (clock.monotonic() - started) / 1_000)
      drain(call.body)
    }
  }
}
