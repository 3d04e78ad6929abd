/**
 * The tree of a form (query and EC2 protocols) as values keyed by the model's names. Lists are
 * `.member.N`, `.<name>.N` or `.N`, maps `.entry.N.key/value` or `.N.Name/Value`; what the model
 * does not know keeps its name, so that an SDK of another age loses nothing.
 */
import type { Member, Shape } from '../catalogue/shapes.ts'
import { UNKNOWN_SHAPE } from '../catalogue/shapes.ts'
import { put } from './redact.ts'
import { coerceText } from './scalars.ts'
import { type FormNode, numbered } from './wire/form.ts'

/** Query for all but EC2, which has names of its own and only flat lists. */
export type FormNames = 'query' | 'ec2'

/** The node whose children are the numbers: itself, or its only child (`member`, `entry`). */
const listNode = (node: FormNode): FormNode => {
  const [name, child] = [...node.children][0] ?? []
  const wrapped = node.children.size === 1 && name !== undefined && !/^\d+$/.test(name)
  return wrapped && child !== undefined ? child : node
}

const mapOf = (node: FormNode, shape: Shape, names: FormNames): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  for (const [, entry] of numbered(listNode(node))) {
    const [key, value] = [shape.key?.wire ?? 'key', shape.value?.wire ?? 'value']
    const name = entry.children.get(key) ?? entry.children.get('key') ?? entry.children.get('Name')
    const item = entry.children.get(value) ?? entry.children.get('value')
    if (name?.value === undefined || item === undefined) continue
    put(values, name.value, formValue(item, shape.value?.shape() ?? UNKNOWN_SHAPE, names))
  }
  return values
}

/** The names under which a member may stand in a form. */
const wireNamesOf = (member: Member, names: FormNames): string[] => {
  if (names === 'ec2') return [member.ec2Name]
  const shape = member.shape()
  const flat = member.flattened || shape.flattened
  const element = shape.element
  // A flat list takes its element's name instead of its own (botocore, _serialize_type_list).
  return flat && element !== undefined && element.wire !== 'member'
    ? [element.wire, member.wire, member.name]
    : [member.wire, member.name]
}

const NAMES: Readonly<Record<FormNames, WeakMap<Shape, ReadonlyMap<string, Member>>>> = {
  query: new WeakMap(),
  ec2: new WeakMap(),
}

/** The members of a structure by every name they may have in a form. Made once per shape. */
export const membersByFormName = (shape: Shape, names: FormNames): ReadonlyMap<string, Member> => {
  const known = NAMES[names].get(shape)
  if (known !== undefined) return known
  const members = new Map<string, Member>()
  for (const member of shape.members) {
    for (const name of wireNamesOf(member, names)) if (!members.has(name)) members.set(name, member)
  }
  NAMES[names].set(shape, members)
  return members
}

const structureOf = (node: FormNode, shape: Shape, names: FormNames): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  const known = membersByFormName(shape, names)
  for (const [name, child] of node.children) {
    const member = known.get(name)
    // A member that came under its first name is not said anew under another one.
    const first = member === undefined ? undefined : wireNamesOf(member, names)[0]
    if (first !== undefined && first !== name && node.children.has(first)) continue
    put(values, member?.name ?? name, formValue(child, member?.shape() ?? UNKNOWN_SHAPE, names))
  }
  return values
}

/** What no shape describes: numbers make a list, names an object. */
const unknownOf = (node: FormNode, names: FormNames): unknown => {
  if (node.children.size === 0) return node.value ?? ''
  const items = numbered(node)
  if (items.length === node.children.size) {
    return items.map(([, child]) => formValue(child, UNKNOWN_SHAPE, names))
  }
  const only = node.children.get('member') ?? node.children.get('entry')
  if (node.children.size === 1 && only !== undefined && numbered(only).length > 0) {
    return unknownOf(only, names)
  }
  return structureOf(node, UNKNOWN_SHAPE, names)
}

/** The value of a node by its shape. */
export const formValue = (node: FormNode, shape: Shape, names: FormNames): unknown => {
  switch (shape.kind) {
    case 'structure':
      return structureOf(node, shape, names)
    case 'list': {
      const element = shape.element?.shape() ?? UNKNOWN_SHAPE
      return numbered(listNode(node)).map(([, child]) => formValue(child, element, names))
    }
    case 'map':
      return mapOf(node, shape, names)
    case 'unknown':
    case 'document':
      return unknownOf(node, names)
    default:
      return coerceText(node.value ?? '', shape.kind)
  }
}
