/**
 * From a call's values to what the record says: member names in CloudTrail's spelling, dates in the
 * service's style, secrets replaced. The shape decides; what no shape describes is written as it
 * came, minus what a name gives away (reference/capture.md §1.4, §6.1).
 */
import { isObject } from '../../event/plain-json.ts'
import { isSecretName, type RedactionStyle, withoutUrlSecrets } from '../../event/redaction.ts'
import type { Member, Shape } from '../catalogue/shapes.ts'
import { UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import type { RedactionRules } from '../services/redaction-overlay.ts'
import { hidePairs, put, redact } from './redact.ts'

/** Deeper values are left out. */
const DEPTH_MAX = 64

/** Names seen, with what the last resort says of them: the same few thousand come again. */
const SECRET_NAMES_KEPT = 4096
const secretNames = new Map<string, boolean>()

/** `isSecretName`, remembered. */
export const looksSecret = (name: string): boolean => {
  const known = secretNames.get(name)
  if (known !== undefined) return known
  const secret = isSecretName(name)
  if (secretNames.size >= SECRET_NAMES_KEPT) secretNames.clear()
  if (name.length <= 128) secretNames.set(name, secret)
  return secret
}

export interface RenderContext {
  /** How the keys of the value are named: as on the wire, or as in the model. */
  readonly keys: 'wire' | 'model'
  readonly casing: (name: string) => string
  /** Epoch milliseconds to the service's style. */
  readonly date: (ms: number) => string | number
  readonly rules: RedactionRules
  /** Lower-case names of all sensitive members of the service. */
  readonly sensitiveNames: () => ReadonlySet<string>
}

const isText = (value: unknown): boolean =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.some((item) => typeof item === 'string'))

/** How a member must be redacted; undefined where it may be shown. */
export const styleOf = (
  context: RenderContext,
  name: string,
  member: Member | undefined,
  value: unknown,
): RedactionStyle | undefined => {
  const rule = context.rules.byName.get(name.toLowerCase())
  if (rule !== undefined && rule !== 'shown') {
    // DynamoDB's `Key` is a map; the `Key` of a tag is a name and may be shown.
    return rule === 'key-attributes' && typeof value !== 'object' ? undefined : rule
  }
  if (member !== undefined) {
    const shape = member.shape()
    if (member.sensitive || shape.sensitive) return context.rules.trait
    if (shape.kind === 'blob') return 'omit'
  } else if (context.sensitiveNames().has(name.toLowerCase())) {
    return context.rules.trait
  }
  if (rule === 'shown' || !looksSecret(name)) return undefined
  if (isText(value)) return 'hidden'
  // Nothing describes it: a whole object of that name is taken for a secret.
  return member === undefined && typeof value === 'object' && value !== null ? 'hidden' : undefined
}

/** The member's value for the record; undefined where the record leaves it out. */
export const renderMember = (
  context: RenderContext,
  name: string,
  member: Member | undefined,
  value: unknown,
  depth = 0,
): unknown => {
  if (value === null || value === undefined) return undefined
  const style = styleOf(context, name, member, value)
  if (style !== undefined) return redact(style, value)
  return renderValue(context, member?.shape() ?? UNKNOWN_SHAPE, value, depth)
}

const renderDate = (context: RenderContext, value: unknown): unknown => {
  if (JSON.isRawJSON(value)) return renderDate(context, Number(JSON.stringify(value)))
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(String(value))
  // What is no time is what the caller sent, and stays so.
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? context.date(ms) : value
}

const renderStructure = (
  context: RenderContext,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  depth: number,
): Record<string, unknown> => {
  const rendered: Record<string, unknown> = {}
  const first = context.keys === 'wire' ? shape.byWire : shape.byName
  const read = new Set<string>()
  for (const [key, item] of Object.entries(value)) {
    // Rest bodies are keyed by the wire, but old SDKs send the model's name.
    const exact = first.get(key)
    const member = exact ?? shape.byName.get(key)
    const name = member?.name ?? key
    const shownAs = context.casing(name)
    // A name that only looks like a member's in the record must not take that member's place.
    if (exact !== undefined) read.add(shownAs)
    else if (read.has(shownAs)) continue
    const shown = renderMember(context, name, member, item, depth + 1)
    if (shown !== undefined) put(rendered, shownAs, shown)
    else if (exact !== undefined) delete rendered[shownAs]
  }
  return hidePairs(rendered, looksSecret)
}

const renderMap = (
  context: RenderContext,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  depth: number,
): unknown => {
  if (shape.key?.sensitive === true) return redact(context.rules.trait, value)
  const rendered: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const shown = renderMember(context, key, shape.value, item, depth + 1)
    if (shown !== undefined) put(rendered, key, shown)
  }
  return rendered
}

const renderUnknown = (context: RenderContext, value: object, depth: number): unknown => {
  if (Array.isArray(value)) {
    return value.map((item) => renderValue(context, UNKNOWN_SHAPE, item, depth + 1))
  }
  return renderStructure(context, UNKNOWN_SHAPE, value as Record<string, unknown>, depth)
}

const renderDocument = (context: RenderContext, value: unknown, depth: number): unknown =>
  // Members of a document are the caller's own: their names stay.
  renderUnknown({ ...context, casing: (name) => name }, Object(value), depth)

/** A value by its shape. */
export const renderValue = (
  context: RenderContext,
  shape: Shape,
  value: unknown,
  depth = 0,
): unknown => {
  if (depth > DEPTH_MAX) return undefined
  if (shape.kind === 'timestamp') return renderDate(context, value)
  if (shape.kind === 'blob' || Buffer.isBuffer(value)) return undefined
  if (typeof value === 'string') return withoutUrlSecrets(value)
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return value
  switch (shape.kind) {
    case 'list':
      if (!Array.isArray(value)) break
      return value
        .map((item) => renderMember(context, '', shape.element, item, depth + 1))
        .filter((item) => item !== undefined)
    case 'map':
      if (isObject(value)) return renderMap(context, shape, value, depth)
      break
    case 'structure':
      if (isObject(value)) return renderStructure(context, shape, value, depth)
      break
    case 'document':
      return renderDocument(context, value, depth)
    default:
  }
  return renderUnknown(context, value, depth)
}
