/** Shapes of a service as the decoders walk them, made from the compact form when first asked for. */
import type {
  CompactMember,
  CompactRef,
  CompactShape,
  CompactTraits,
  LocationLetter,
  ScalarLetter,
} from './format.ts'

export type ShapeKind =
  | 'structure'
  | 'list'
  | 'map'
  | 'string'
  | 'integer'
  | 'decimal'
  | 'boolean'
  | 'timestamp'
  | 'blob'
  | 'document'
  | 'unknown'

/** A member of a structure, a list's element, a map's key or value. */
export interface Member {
  /** The model's name. */
  readonly name: string
  /** The name in a body, a header (lower case), a query string or a URI template. */
  readonly wire: string
  readonly location: LocationLetter | undefined
  /** The name in an EC2 query. */
  readonly ec2Name: string
  readonly flattened: boolean
  readonly attribute: boolean
  /** By the model's trait, on the member's shape. */
  readonly sensitive: boolean
  /** Resolved when asked for, because shapes may contain themselves. */
  readonly shape: () => Shape
}

export interface Shape {
  readonly kind: ShapeKind
  readonly sensitive: boolean
  readonly flattened: boolean
  /** Of a structure, in the model's order. */
  readonly members: readonly Member[]
  readonly byName: ReadonlyMap<string, Member>
  /** Body members by the name on the wire. */
  readonly byWire: ReadonlyMap<string, Member>
  /** The member that is the whole body. */
  readonly payload: Member | undefined
  /** Of a list. */
  readonly element: Member | undefined
  /** Of a map. */
  readonly key: Member | undefined
  readonly value: Member | undefined
}

const NO_MEMBERS: ReadonlyMap<string, Member> = new Map()

const scalar = (kind: ShapeKind): Shape => ({
  kind,
  sensitive: false,
  flattened: false,
  members: [],
  byName: NO_MEMBERS,
  byWire: NO_MEMBERS,
  payload: undefined,
  element: undefined,
  key: undefined,
  value: undefined,
})

const SCALARS: Readonly<Record<ScalarLetter, Shape>> = {
  s: scalar('string'),
  i: scalar('integer'),
  f: scalar('decimal'),
  b: scalar('boolean'),
  t: scalar('timestamp'),
  B: scalar('blob'),
  d: scalar('document'),
}

/** For what the catalogue does not know. */
export const UNKNOWN_SHAPE: Shape = scalar('unknown')

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export interface ShapeReader {
  /** Of an operation's input or output. */
  at(index: number): Shape
  /** Names, in lower case, of all members whose shape is sensitive. */
  sensitiveNames(): ReadonlySet<string>
}

const sensitiveNamesOf = (shapes: readonly CompactShape[]): Set<string> => {
  const names = new Set<string>()
  for (const { m } of shapes) {
    for (const [name, entry] of Object.entries(m ?? {})) {
      const [ref, traits]: readonly [CompactRef, CompactTraits] =
        typeof entry === 'object' ? entry : [entry, {}]
      const onShape = typeof ref === 'number' && shapes[ref]?.sensitive === 1
      if (onShape || traits.sensitive === 1) names.add(name.toLowerCase())
    }
  }
  return names
}

type Resolve = (ref: CompactRef) => Shape

const memberOf = (name: string, entry: CompactMember, resolve: Resolve): Member => {
  const [ref, traits]: readonly [CompactRef, CompactTraits] =
    typeof entry === 'object' ? entry : [entry, {}]
  const wire = traits.n ?? name
  const isHeader = traits.w === 'h' || traits.w === 'H'
  return {
    name,
    wire: isHeader ? wire.toLowerCase() : wire,
    location: traits.w,
    // Smithy's ec2Query protocol: ec2QueryName, else the XML name with a capital.
    ec2Name: traits.q ?? upperFirst(wire),
    flattened: traits.flat === 1,
    attribute: traits.attr === 1,
    sensitive: traits.sensitive === 1,
    shape: () => resolve(ref),
  }
}

const structureOf = (shape: CompactShape, resolve: Resolve): Shape => {
  const members = Object.entries(shape.m ?? {}).map(([name, entry]) =>
    memberOf(name, entry, resolve),
  )
  const inBody = members.filter((member) => member.location === undefined)
  return {
    ...scalar('structure'),
    members,
    byName: new Map(members.map((member) => [member.name, member])),
    byWire: new Map(inBody.map((member) => [member.wire, member])),
    payload: members.find((member) => member.name === shape.p),
  }
}

const shapeOf = (shape: CompactShape, resolve: Resolve): Shape => {
  if (shape.l !== undefined) {
    return { ...scalar('list'), element: memberOf('member', shape.l, resolve) }
  }
  if (shape.k !== undefined && shape.v !== undefined) {
    const key = memberOf('key', shape.k, resolve)
    return { ...scalar('map'), key, value: memberOf('value', shape.v, resolve) }
  }
  return structureOf(shape, resolve)
}

export const createShapeReader = (compact: readonly CompactShape[]): ShapeReader => {
  const made: Shape[] = []
  const resolve: Resolve = (ref) => (typeof ref === 'number' ? at(ref) : SCALARS[ref])

  const at = (index: number): Shape => {
    const known = made[index]
    if (known !== undefined) return known
    const shape = compact[index]
    if (shape === undefined) return UNKNOWN_SHAPE
    const full: Shape = {
      ...shapeOf(shape, resolve),
      flattened: shape.flat === 1,
      sensitive: shape.sensitive === 1,
    }
    made[index] = full
    return full
  }

  let names: ReadonlySet<string> | undefined
  return {
    at,
    sensitiveNames: () => {
      names ??= sensitiveNamesOf(compact)
      return names
    },
  }
}
