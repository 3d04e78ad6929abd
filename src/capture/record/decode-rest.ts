/** REST bindings: labels of the path, query string, headers and body (Smithy HTTP bindings). */
import { isObject } from '../../event/plain-json.ts'
import type { CapturedCall } from '../call.ts'
import type { Operation } from '../catalogue/catalogue.ts'
import { type Member, type Shape, UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { labelsOf, templateOf } from '../router/template.ts'
import { jsonBody, xmlBody } from './bodies.ts'
import { put } from './redact.ts'
import { type RenderContext, renderMember, renderValue } from './render.ts'
import { coerceText } from './scalars.ts'
import { parsePairs } from './wire/form.ts'
import { xmlValue } from './xml-values.ts'

type Values = Record<string, unknown>
type Headers = Readonly<Record<string, string>>

const add = (context: RenderContext, values: Values, member: Member, value: unknown): void => {
  const shown = renderMember(context, member.name, member, value)
  if (shown !== undefined) put(values, context.casing(member.name), shown)
}

const headerValue = (member: Member, headers: Headers): unknown => {
  if (member.location === 'H') {
    const entries = Object.entries(headers).filter(([name]) => name.startsWith(member.wire))
    if (entries.length === 0) return undefined
    return Object.fromEntries(entries.map(([name, text]) => [name.slice(member.wire.length), text]))
  }
  const text = headers[member.wire]
  const shape = member.shape()
  if (text === undefined) return undefined
  return shape.kind === 'list'
    ? text.split(',').map((item) => item.trim())
    : coerceText(text, shape.kind)
}

const queryValue = (member: Member, pairs: readonly (readonly [string, string])[]): unknown => {
  const shape = member.shape()
  if (shape.kind === 'map') {
    return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
  }
  const texts = pairs.filter(([name]) => name === member.wire).map(([, value]) => value)
  if (texts.length === 0) return undefined
  const element = shape.element?.shape() ?? UNKNOWN_SHAPE
  if (shape.kind === 'list') return texts.map((text) => coerceText(text, element.kind))
  return coerceText(texts[0] ?? '', shape.kind)
}

/** Members from outside the body. */
export const boundValues = (
  context: RenderContext,
  operation: Operation,
  shape: Shape,
  call: CapturedCall,
): Values => {
  const values: Values = {}
  const labels =
    operation.http === undefined
      ? new Map<string, string>()
      : labelsOf(templateOf(operation.http.uri), call.head.rawPath)
  const pairs = parsePairs(call.head.rawQuery, false)
  for (const member of shape.members) {
    if (member.location === 'u') {
      const text = labels.get(member.wire)
      if (text !== undefined) {
        add(context, values, member, coerceText(text, member.shape().kind))
      }
    } else if (member.location === 'q') {
      add(context, values, member, queryValue(member, pairs))
    } else if (member.location === 'h' || member.location === 'H') {
      add(context, values, member, headerValue(member, call.head.headers))
    }
  }
  return values
}

/** Header members of an answer. */
export const headerValues = (context: RenderContext, shape: Shape, headers: Headers): Values => {
  const values: Values = {}
  for (const member of shape.members) {
    if (member.location === 'h' || member.location === 'H') {
      add(context, values, member, headerValue(member, headers))
    }
  }
  return values
}

const merged = (values: Values, rendered: unknown): Values =>
  isObject(rendered) ? { ...values, ...rendered } : values

/** The body of a REST-JSON message. */
export const restJsonBody = (
  context: RenderContext,
  shape: Shape,
  body: Buffer | undefined,
): Values => {
  const payload = shape.payload
  if (payload !== undefined && payload.shape().kind !== 'structure') {
    const values: Values = {}
    // A blob or text that is the body itself is content, and content is not recorded.
    if (['list', 'map', 'document'].includes(payload.shape().kind)) {
      add(context, values, payload, jsonBody(body))
    }
    return values
  }
  const json = jsonBody(body)
  if (!isObject(json)) return {}
  if (payload === undefined) return merged({}, renderValue(context, shape, json))
  const values: Values = {}
  add(context, values, payload, json)
  return values
}

/** The body of a REST-XML message. */
export const restXmlBody = (
  context: RenderContext,
  shape: Shape,
  body: Buffer | undefined,
): Values => {
  const payload = shape.payload
  if (payload !== undefined && payload.shape().kind !== 'structure') return {}
  const root = xmlBody(body)
  if (root === undefined) return {}
  const model: RenderContext = { ...context, keys: 'model' }
  if (payload === undefined) return merged({}, renderValue(model, shape, xmlValue(root, shape)))
  const values: Values = {}
  add(model, values, payload, xmlValue(root, payload.shape()))
  return values
}
