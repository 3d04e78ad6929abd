/** Requests and answers as SDKs and services write them, from values keyed by the model's names. */
import type { RequestHead } from '../../src/capture/call.ts'
import type { Operation } from '../../src/capture/catalogue/catalogue.ts'
import type { IndexEntry } from '../../src/capture/catalogue/format.ts'
import { type Member, type Shape, UNKNOWN_SHAPE } from '../../src/capture/catalogue/shapes.ts'
import { templateOf } from '../../src/capture/router/template.ts'
import { headOf } from './captured-call.ts'

type Values = Record<string, unknown>

const isValues = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const membersOf = (shape: Shape, value: unknown): [Member, unknown][] =>
  isValues(value)
    ? shape.members
        .filter((member) => value[member.name] !== undefined)
        .map((member) => [member, value[member.name]])
    : []

/** Keyed by the names on the wire. */
export const jsonValue = (shape: Shape, value: unknown): unknown => {
  switch (shape.kind) {
    case 'structure':
      return Object.fromEntries(
        membersOf(shape, value)
          .filter(([member]) => member.location === undefined)
          .map(([member, item]) => [member.wire, jsonValue(member.shape(), item)]),
      )
    case 'list':
      return (value as unknown[]).map((item) => jsonValue(shape.element?.shape() ?? shape, item))
    case 'map':
      return Object.fromEntries(
        Object.entries(value as Values).map(([key, item]) => [
          key,
          jsonValue(shape.value?.shape() ?? shape, item),
        ]),
      )
    default:
      return value
  }
}

const flat = (member: Member): boolean => member.flattened || member.shape().flattened

const formPairs = (
  shape: Shape,
  value: unknown,
  prefix: string,
  ec2: boolean,
  isFlat: boolean,
): [string, string][] => {
  const dotted = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`)
  switch (shape.kind) {
    case 'structure':
      return membersOf(shape, value).flatMap(([member, item]) => {
        const element = member.shape().element
        const renamed = !ec2 && flat(member) && element !== undefined && element.wire !== 'member'
        const name = ec2 ? member.ec2Name : renamed ? element.wire : member.wire
        return formPairs(member.shape(), item, dotted(name), ec2, ec2 || flat(member))
      })
    case 'list': {
      const element = shape.element
      const base = isFlat ? prefix : dotted(element?.wire ?? 'member')
      return (value as unknown[]).flatMap((item, index) =>
        formPairs(element?.shape() ?? shape, item, `${base}.${index + 1}`, ec2, ec2),
      )
    }
    case 'map': {
      const base = isFlat ? prefix : dotted('entry')
      return Object.entries(value as Values).flatMap(([key, item], index) => [
        [`${base}.${index + 1}.${shape.key?.wire ?? 'key'}`, key],
        ...formPairs(
          shape.value?.shape() ?? shape,
          item,
          `${base}.${index + 1}.${shape.value?.wire ?? 'value'}`,
          ec2,
          false,
        ),
      ])
    }
    default:
      return [[prefix, String(value)]]
  }
}

const escaped = (text: string): string =>
  text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)

/** The content of an element. */
export const xmlContent = (shape: Shape, value: unknown): string => {
  switch (shape.kind) {
    case 'structure':
      return membersOf(shape, value)
        .filter(([member]) => member.location === undefined)
        .map(([member, item]) => {
          const inner = member.shape()
          if (!flat(member)) return `<${member.wire}>${xmlContent(inner, item)}</${member.wire}>`
          const name =
            inner.element === undefined || inner.element.wire === 'member'
              ? member.wire
              : inner.element.wire
          const items = inner.kind === 'list' ? (value as Values)[member.name] : [item]
          const of = inner.element?.shape() ?? inner
          return (items as unknown[])
            .map((part) => `<${name}>${xmlContent(of, part)}</${name}>`)
            .join('')
        })
        .join('')
    case 'list': {
      const name = shape.element?.wire ?? 'member'
      return (value as unknown[])
        .map((item) => `<${name}>${xmlContent(shape.element?.shape() ?? shape, item)}</${name}>`)
        .join('')
    }
    case 'map': {
      const [key, item] = [shape.key?.wire ?? 'key', shape.value?.wire ?? 'value']
      return Object.entries(value as Values)
        .map(
          ([name, part]) =>
            `<entry><${key}>${escaped(name)}</${key}><${item}>${xmlContent(shape.value?.shape() ?? shape, part)}</${item}></entry>`,
        )
        .join('')
    }
    default:
      return escaped(String(value))
  }
}

const restRequest = (
  operation: Operation,
  shape: Shape,
  value: Values,
): { head: RequestHead; body: Buffer | undefined } => {
  const { uri, method } = operation.http ?? { uri: '/', method: 'POST' }
  const template = templateOf(uri)
  const texts = (member: Member): string => encodeURIComponent(String(value[member.name]))
  const path = template.segments.map((segment) => {
    if ('literal' in segment) return segment.literal
    const label = shape.members.find((member) => member.wire === segment.label)
    return label === undefined ? 'label' : texts(label)
  })
  const query = template.query.map(([key, text]) => (text === undefined ? key : `${key}=${text}`))
  const headers: Record<string, string> = {}
  for (const [member, item] of membersOf(shape, value)) {
    if (member.location === 'h') headers[member.wire] = String(item)
    if (member.location === 'q') query.push(`${member.wire}=${encodeURIComponent(String(item))}`)
  }
  const { payload } = shape
  const content =
    payload === undefined
      ? jsonValue(shape, value)
      : jsonValue(payload.shape(), value[payload.name])
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return {
    head: headOf({ method, path: `/${path.join('/')}`, query: query.join('&'), headers }),
    body: Buffer.from(text),
  }
}

/** A request of an operation in its service's first protocol; `value` keyed by the model. */
export const requestFor = (
  entry: IndexEntry,
  operation: Operation,
  value: Values,
): { head: RequestHead; body: Buffer | undefined } => {
  const shape = operation.input ?? UNKNOWN_SHAPE
  const [protocol] = entry.protocols
  if (protocol === 'json') {
    const headers = { 'x-amz-target': `${entry.target ?? ''}.${operation.name}` }
    return { head: headOf({ headers }), body: Buffer.from(JSON.stringify(jsonValue(shape, value))) }
  }
  if (protocol === 'rest-json') return restRequest(operation, shape, value)
  const pairs = formPairs(shape, value, '', protocol === 'ec2', false)
  const form = [['Action', operation.name], ['Version', entry.apiVersion], ...pairs].map(
    ([name = '', text = '']) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`,
  )
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { head: headOf({ headers }), body: Buffer.from(form.join('&')) }
}

/** The body of a successful answer. */
export const answerBody = (entry: IndexEntry, operation: Operation, value: Values): Buffer => {
  const shape = operation.output
  if (shape === undefined) return Buffer.alloc(0)
  const [protocol] = entry.protocols
  if (protocol === 'json' || protocol === 'rest-json') {
    return Buffer.from(JSON.stringify(jsonValue(shape, value)))
  }
  const { name } = operation
  const content = xmlContent(shape, value)
  return Buffer.from(
    protocol === 'ec2'
      ? `<${name}Response><requestId>r</requestId>${content}</${name}Response>`
      : `<${name}Response><${name}Result>${content}</${name}Result></${name}Response>`,
  )
}
