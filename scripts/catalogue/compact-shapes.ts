/** Shapes of a model in the catalogue's form: numbered as they are reached, scalars inlined. */
import type {
  CompactMember,
  CompactRef,
  CompactShape,
  CompactTraits,
  LocationLetter,
  ScalarLetter,
} from '../../src/capture/catalogue/format.ts'
import type { MemberModel, ServiceModel, ShapeModel } from './model.ts'

const SCALARS: Readonly<Record<string, ScalarLetter>> = {
  string: 's',
  character: 's',
  integer: 'i',
  long: 'i',
  short: 'i',
  byte: 'i',
  float: 'f',
  double: 'f',
  boolean: 'b',
  timestamp: 't',
  blob: 'B',
}

const LOCATIONS: Readonly<Record<NonNullable<MemberModel['location']>, LocationLetter>> = {
  header: 'h',
  headers: 'H',
  querystring: 'q',
  uri: 'u',
  statusCode: 'c',
}

export interface ShapeTable {
  /** The index of a structure, and of all that it reaches. */
  add(name: string): number
  readonly shapes: CompactShape[]
}

const shapeOf = (model: ServiceModel, name: string): ShapeModel => {
  const shape = model.shapes[name]
  if (shape === undefined) throw new Error(`The model names a shape that it lacks: ${name}`)
  return shape
}

const traitsOf = (
  name: string | undefined,
  member: MemberModel,
  shape: ShapeModel,
): CompactTraits => {
  const wire = member.locationName
  return {
    ...(wire !== undefined && wire !== name ? { n: wire } : {}),
    ...(member.location === undefined ? {} : { w: LOCATIONS[member.location] }),
    ...(member.queryName === undefined ? {} : { q: member.queryName }),
    ...(member.flattened === true ? { flat: 1 } : {}),
    // Only scalars are inlined; the trait of the others stands on the shape.
    ...(shape.sensitive === true && SCALARS[shape.type] !== undefined ? { sensitive: 1 } : {}),
    ...(member.xmlAttribute === true ? { attr: 1 } : {}),
  }
}

type MemberOf = (name: string | undefined, member: MemberModel) => CompactMember

const bodyOf = (shape: ShapeModel, memberOf: MemberOf): CompactShape => {
  const { members, member, key, value } = shape
  if (member !== undefined) return { l: memberOf(undefined, member) }
  if (key !== undefined && value !== undefined) {
    return { k: memberOf('key', key), v: memberOf('value', value) }
  }
  const compact = Object.entries(members ?? {}).map(([name, item]) => [name, memberOf(name, item)])
  return {
    m: Object.fromEntries(compact) as Record<string, CompactMember>,
    ...(shape.payload === undefined ? {} : { p: shape.payload }),
  }
}

export const createShapeTable = (model: ServiceModel): ShapeTable => {
  const shapes: CompactShape[] = []
  const indexes = new Map<string, number>()

  const memberOf: MemberOf = (name, member) => {
    const shape = shapeOf(model, member.shape)
    const ref: CompactRef =
      shape.document === true ? 'd' : (SCALARS[shape.type] ?? add(member.shape))
    const traits = traitsOf(name, member, shape)
    return Object.keys(traits).length === 0 ? ref : [ref, traits]
  }

  const add = (name: string): number => {
    const known = indexes.get(name)
    if (known !== undefined) return known
    const shape = shapeOf(model, name)
    const index = shapes.length
    indexes.set(name, index)
    // The place is taken before the members are read, because shapes may contain themselves.
    shapes.push({})
    shapes[index] = {
      ...bodyOf(shape, memberOf),
      ...(shape.flattened === true ? { flat: 1 } : {}),
      ...(shape.sensitive === true ? { sensitive: 1 } : {}),
    }
    return index
  }

  return { add, shapes }
}
