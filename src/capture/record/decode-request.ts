/** `requestParameters`: what a call asked for, in the spelling of CloudTrail. */
import { isObject, type JsonObject } from '../../event/plain-json.ts'
import type { CapturedCall } from '../call.ts'
import type { Operation } from '../catalogue/catalogue.ts'
import { UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { cborBody, formBody, isTooLarge, jsonBody, tooLarge } from './bodies.ts'
import { boundValues, restJsonBody, restXmlBody } from './decode-rest.ts'
import { ec2Parameters } from './ec2.ts'
import { formValue } from './form-values.ts'
import { type RenderContext, renderValue } from './render.ts'
import { formTree, parsePairs } from './wire/form.ts'

/** Parts of a form that are no parameters: the call's name, SigV2's and presigned SigV4's own. */
const PROTOCOL_PARAMETERS =
  /^(Action|Version|AWSAccessKeyId|Signature|SignatureMethod|SignatureVersion|SecurityToken|Timestamp|Expires|X-Amz-.*)$/

const formOf = (call: CapturedCall) => {
  // The router has refused what has two values (docs/decisions/0036).
  const pairs = [...parsePairs(call.head.rawQuery), ...parsePairs(formBody(call.body))]
  // Timestamp and Expires belong to SigV2 only, where a signature is there too.
  const signed = pairs.some(([name]) => name === 'Signature')
  return formTree(
    pairs.filter(([name]) => {
      if (!signed && (name === 'Timestamp' || name === 'Expires')) return true
      return !PROTOCOL_PARAMETERS.test(name)
    }),
  )
}

const jsonParameters = (
  context: RenderContext,
  operation: Operation | undefined,
  value: unknown,
): JsonObject => {
  if (!isObject(value)) return {}
  const rendered = renderValue(context, operation?.input ?? UNKNOWN_SHAPE, value)
  return isObject(rendered) ? rendered : {}
}

const restParameters = (
  context: RenderContext,
  operation: Operation | undefined,
  call: CapturedCall,
): JsonObject => {
  const shape = operation?.input
  if (operation === undefined || shape === undefined) {
    // Nothing names the operation: a JSON body is still worth keeping.
    return jsonParameters(context, undefined, jsonBody(call.body))
  }
  const bound = boundValues(context, operation, shape, call)
  const xml = call.identity.protocol === 'rest-xml'
  const body = (xml ? restXmlBody : restJsonBody)(context, shape, call.body)
  // What is bound to path, query or headers cannot be said anew by the body.
  return { ...bound, ...body, ...bound }
}

const parameters = (
  context: RenderContext,
  operation: Operation | undefined,
  call: CapturedCall,
): JsonObject => {
  const { protocol, eventName } = call.identity
  const shape = operation?.input ?? UNKNOWN_SHAPE
  switch (protocol) {
    case 'ec2':
      return ec2Parameters(context, operation?.name ?? eventName, formOf(call), shape)
    case 'query': {
      const rendered = renderValue(
        { ...context, keys: 'model' },
        shape,
        formValue(formOf(call), shape.kind === 'unknown' ? UNKNOWN_SHAPE : shape, 'query'),
      )
      return isObject(rendered) ? rendered : {}
    }
    case 'rpc-v2-cbor':
      return jsonParameters(context, operation, cborBody(call.body))
    case 'json':
      return jsonParameters(context, operation, jsonBody(call.body))
    default:
      return restParameters(context, operation, call)
  }
}

/** Null when there are none, as AWS writes it. */
export const requestParametersOf = (
  context: RenderContext,
  operation: Operation | undefined,
  call: CapturedCall,
): JsonObject | null => {
  const { body } = call
  if (body !== undefined && isTooLarge(body)) return tooLarge('requestParameters', body)
  const values = parameters(context, operation, call)
  return Object.keys(values).length === 0 ? null : values
}
