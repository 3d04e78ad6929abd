/**
 * EC2's two eras (reference/capture.md §1.4). Operations after 2014: `<Operation>Request` holds the
 * raw query as a tree, `<Operation>Response` the XML as it is. Before: plain names and `items`; the
 * names of the SOAP API, which AWS uses there, are a later issue.
 */
import { withoutUrlSecrets } from '../../event/redaction.ts'
import type { Member, Shape } from '../catalogue/shapes.ts'
import { UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { isLegacyEc2 } from '../services/ec2-legacy.ts'
import { formValue, membersByFormName } from './form-values.ts'
import { hidePairs, put, redact } from './redact.ts'
import { looksSecret, type RenderContext, renderValue, styleOf } from './render.ts'
import { coerceText, guessScalar } from './scalars.ts'
import { type FormNode, numbered } from './wire/form.ts'
import type { XmlNode } from './wire/xml.ts'
import { membersByXmlName } from './xml-values.ts'

const rawNode = (
  context: RenderContext,
  name: string,
  member: Member | undefined,
  node: FormNode,
) => {
  const style = styleOf(context, name, member, node.children.size === 0 ? (node.value ?? '') : {})
  return style === undefined
    ? rawValue(context, node, member?.shape() ?? UNKNOWN_SHAPE)
    : redact(style, node.value ?? {})
}

const rawList = (context: RenderContext, node: FormNode, shape: Shape): unknown => {
  const items = numbered(node).map(([tag, child]) => {
    const value = rawNode(context, '', shape.element, child)
    return typeof value === 'object' && value !== null
      ? { tag, ...value }
      : { tag, ...(value === undefined ? {} : { content: value }) }
  })
  return items.length === 1 ? items[0] : items
}

/** One node of the query: `.N` becomes `tag`, texts become booleans and numbers. */
const rawValue = (context: RenderContext, node: FormNode, shape: Shape): unknown => {
  if (node.children.size === 0) return guessScalar(withoutUrlSecrets(node.value ?? ''))
  if (numbered(node).length === node.children.size) return rawList(context, node, shape)
  const values: Record<string, unknown> = {}
  const members = membersByFormName(shape, 'ec2')
  for (const [name, child] of node.children) {
    const member = members.get(name)
    const value = rawNode(context, member?.name ?? name, member, child)
    if (value !== undefined) put(values, name, value)
  }
  return hidePairs(values, looksSecret)
}

/** requestParameters of an EC2 call; `form` without Action and Version. */
export const ec2Parameters = (
  context: RenderContext,
  operation: string,
  form: FormNode,
  shape: Shape,
): Record<string, unknown> => {
  if (!isLegacyEc2(operation)) {
    const raw = form.children.size === 0 ? '' : rawValue(context, form, shape)
    return { [`${operation}Request`]: raw }
  }
  const values = formValue(form, shape, 'ec2')
  return (renderValue({ ...context, keys: 'model' }, shape, values) ?? {}) as Record<
    string,
    unknown
  >
}

interface ResponseStyle {
  readonly context: RenderContext
  readonly legacy: boolean
}

const scalarOf = ({ context, legacy }: ResponseStyle, text: string, shape: Shape): unknown => {
  if (!legacy) return guessScalar(withoutUrlSecrets(text))
  return renderValue(context, shape, coerceText(text, shape.kind))
}

const listOf = (style: ResponseStyle, nodes: readonly XmlNode[], member: Member | undefined) =>
  nodes.map((node) => shownNode(style, member?.name ?? node.name, member, node))

const shownNode = (
  style: ResponseStyle,
  name: string,
  member: Member | undefined,
  node: XmlNode,
): unknown => {
  const text = node.text.trim()
  const redaction = styleOf(style.context, name, member, node.children.length === 0 ? text : {})
  if (redaction !== undefined) return redact(redaction, text)
  return shownValue(style, node, member?.shape() ?? UNKNOWN_SHAPE)
}

/** The XML of an answer, `item` kept as it is (or as `items` in the old style). */
const shownValue = (style: ResponseStyle, node: XmlNode, shape: Shape): unknown => {
  if (node.children.length === 0) return scalarOf(style, node.text.trim(), shape)
  const values: Record<string, unknown> = {}
  const members = membersByXmlName(shape)
  for (const [name, nodes] of Map.groupBy(node.children, (child) => child.name)) {
    const member =
      name === 'item' && shape.element !== undefined ? shape.element : members.get(name)
    const items = listOf(style, nodes, member).filter((item) => item !== undefined)
    if (style.legacy && name === 'item') put(values, 'items', items)
    else if (items.length > 0) {
      const key = style.legacy && name === 'return' ? '_return' : name
      put(values, key, items.length === 1 ? items[0] : items)
    }
  }
  return hidePairs(values, looksSecret)
}

/** responseElements of an EC2 call from the root of its answer. */
export const ec2Elements = (
  context: RenderContext,
  operation: string,
  root: XmlNode,
  shape: Shape,
): Record<string, unknown> | null => {
  const legacy = isLegacyEc2(operation)
  const shown = shownValue({ context, legacy }, root, shape)
  const values =
    typeof shown === 'object' && shown !== null ? (shown as Record<string, unknown>) : {}
  if (legacy) return Object.keys(values).length === 0 ? null : values
  const xmlns = root.attributes.find(([name]) => name === 'xmlns')?.[1]
  return { [root.name]: { ...(xmlns === undefined ? {} : { xmlns }), ...values } }
}
