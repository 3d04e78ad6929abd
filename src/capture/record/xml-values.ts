/** XML as values: keyed by the model's names where there is a shape, naively where there is none. */
import type { Member, Shape } from '../catalogue/shapes.ts'
import { UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { put } from './redact.ts'
import { coerceText, guessScalar } from './scalars.ts'
import type { XmlNode } from './wire/xml.ts'

const isFlat = (member: Member): boolean => member.flattened || member.shape().flattened

/** A flat list or map stands under its element's name where the model gives one. */
const xmlNameOf = (member: Member): string => {
  const element = member.shape().element
  return isFlat(member) && element !== undefined && element.wire !== 'member'
    ? element.wire
    : member.wire
}

const mapOf = (entries: readonly XmlNode[], shape: Shape): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  for (const entry of entries) {
    const key = entry.children.find((child) => child.name === (shape.key?.wire ?? 'key'))
    const value = entry.children.find((child) => child.name === (shape.value?.wire ?? 'value'))
    if (key === undefined || value === undefined) continue
    put(values, key.text, xmlValue(value, shape.value?.shape() ?? UNKNOWN_SHAPE))
  }
  return values
}

const flatValue = (nodes: readonly XmlNode[], shape: Shape): unknown =>
  shape.kind === 'map'
    ? mapOf(nodes, shape)
    : nodes.map((node) => xmlValue(node, shape.element?.shape() ?? UNKNOWN_SHAPE))

const NAMES = new WeakMap<Shape, ReadonlyMap<string, Member>>()

/** The body members of a structure by their elements' names. Made once per shape. */
export const membersByXmlName = (shape: Shape): ReadonlyMap<string, Member> => {
  const known = NAMES.get(shape)
  if (known !== undefined) return known
  const inBody = shape.members.filter((member) => member.location === undefined)
  const members = new Map(inBody.map((member) => [xmlNameOf(member), member]))
  NAMES.set(shape, members)
  return members
}

const structureOf = (node: XmlNode, shape: Shape): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  const known = membersByXmlName(shape)
  for (const [name, text] of node.attributes) {
    const member = shape.members.find((item) => item.attribute && item.wire === name)
    if (member !== undefined) put(values, member.name, text)
  }
  for (const [name, nodes] of Map.groupBy(node.children, (child) => child.name)) {
    const member = known.get(name)
    const first = nodes[0]
    if (first === undefined) continue
    // An unknown element does not take the place of a member that is spelled otherwise here.
    if (member === undefined) {
      if (!shape.byName.has(name)) put(values, name, naiveXml(first))
    } else if (isFlat(member)) put(values, member.name, flatValue(nodes, member.shape()))
    else put(values, member.name, xmlValue(first, member.shape()))
  }
  return values
}

/** The value of an element by its shape, keyed by the model's names. */
export const xmlValue = (node: XmlNode, shape: Shape): unknown => {
  switch (shape.kind) {
    case 'structure':
      return structureOf(node, shape)
    case 'list':
      return node.children.map((child) => xmlValue(child, shape.element?.shape() ?? UNKNOWN_SHAPE))
    case 'map':
      return mapOf(node.children, shape)
    case 'unknown':
    case 'document':
      return naiveXml(node)
    default:
      return coerceText(node.text.trim(), shape.kind)
  }
}

/**
 * Without a model, as S3's and EC2's records do: an element with children is an object, a repeated
 * one a list, attributes are members, texts become booleans and numbers, nothing becomes ''.
 */
export const naiveXml = (node: XmlNode): unknown => {
  const text = node.text.trim()
  if (node.children.length === 0 && node.attributes.length === 0) return guessScalar(text)
  const values: Record<string, unknown> = {}
  for (const [name, value] of node.attributes) put(values, name, value)
  for (const [name, nodes] of Map.groupBy(node.children, (child) => child.name)) {
    const items = nodes.map(naiveXml)
    put(values, name, items.length === 1 ? items[0] : items)
  }
  if (node.children.length === 0 && text !== '') put(values, 'content', guessScalar(text))
  return values
}
