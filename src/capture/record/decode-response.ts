/** `responseElements`: what a call changed, from the body and headers of the answer. */
import { isObject, type JsonObject } from '../../event/plain-json.ts'
import type { CapturedAnswer, CapturedCall } from '../call.ts'
import type { Operation, Service } from '../catalogue/catalogue.ts'
import { type Shape, UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { hoistsAnswer, showsAnswer } from '../services/conventions.ts'
import { cborBody, isTooLarge, jsonBody, tooLarge, xmlBody } from './bodies.ts'
import { headerValues, restJsonBody, restXmlBody } from './decode-rest.ts'
import { ec2Elements } from './ec2.ts'
import { type RenderContext, renderValue } from './render.ts'
import type { XmlNode } from './wire/xml.ts'
import { xmlValue } from './xml-values.ts'

const orEmpty = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** `<CreateUserResponse><CreateUserResult>…`: the result, or the root where there is none. */
const resultOf = (root: XmlNode): XmlNode =>
  root.children.find((child) => child.name.endsWith('Result')) ?? root

const WITHOUT_VALUE = new Set(['ResponseMetadata'])

const queryElements = (
  context: RenderContext,
  service: Service,
  shape: Shape,
  root: XmlNode,
): JsonObject => {
  const result = resultOf(root)
  const children = result.children.filter((child) => !WITHOUT_VALUE.has(child.name))
  const value = orEmpty(xmlValue({ ...result, attributes: [], children }, shape))
  const only = shape.members.length === 1 ? shape.members[0] : undefined
  const model: RenderContext = { ...context, keys: 'model' }
  if (only !== undefined && only.shape().kind === 'structure' && hoistsAnswer(service.id)) {
    const inner = value[only.name]
    return isObject(inner) ? orEmpty(renderValue(model, only.shape(), inner)) : {}
  }
  return orEmpty(renderValue(model, shape, value))
}

const restElements = (
  context: RenderContext,
  shape: Shape,
  call: CapturedCall,
  answer: CapturedAnswer,
): JsonObject => {
  const xml = call.identity.protocol === 'rest-xml'
  const body = (xml ? restXmlBody : restJsonBody)(context, shape, answer.body)
  const bound = headerValues(context, shape, answer.headers)
  return { ...bound, ...body, ...bound }
}

const elements = (
  context: RenderContext,
  service: Service,
  operation: Operation,
  call: CapturedCall,
  answer: CapturedAnswer,
): JsonObject | null => {
  const shape = operation.output ?? UNKNOWN_SHAPE
  switch (call.identity.protocol) {
    case 'ec2': {
      const root = xmlBody(answer.body)
      return root === undefined ? null : ec2Elements(context, operation.name, root, shape)
    }
    case 'query': {
      const root = xmlBody(answer.body)
      return root === undefined ? null : queryElements(context, service, shape, root)
    }
    case 'rpc-v2-cbor':
      return orEmpty(renderValue(context, shape, orEmpty(cborBody(answer.body))))
    case 'json':
      return orEmpty(renderValue(context, shape, orEmpty(jsonBody(answer.body))))
    default:
      return restElements(context, shape, call, answer)
  }
}

/**
 * Null for reads, failures, and writes without output. An operation that the catalogue does not
 * know is recorded without its answer, because nothing says which of its members are secret.
 */
export const responseElementsOf = (
  context: RenderContext,
  service: Service | undefined,
  operation: Operation | undefined,
  call: CapturedCall,
  answer: CapturedAnswer,
): JsonObject | null => {
  if (service === undefined || operation?.output === undefined) return null
  if (!showsAnswer(service.id, operation, call.identity.category)) return null
  const { body } = answer
  if (body !== undefined && isTooLarge(body)) return tooLarge('responseElements', body)
  const values = elements(context, service, operation, call, answer)
  return values === null || Object.keys(values).length === 0 ? null : values
}
