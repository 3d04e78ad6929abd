/**
 * From any JSON to the input of an operation: types, required members, constraints of the model.
 * Unknown members and nulls are dropped, as AWS does; the depth is that of the model, whatever is
 * sent. Rules between members belong to the operations.
 */
import { numberProblems, sizeProblems, stringProblems } from './check-constraints.ts'
import { INPUT_SHAPES, SHAPES } from './cloudtrail-tables.generated.ts'
import { constraintFaultOf } from './constraint-faults.ts'
import { Fault } from './fault.ts'
import type { OperationInput, OperationName } from './operation.ts'
import type { ListShape, MapShape, PlainShape, Shape, StructureShape } from './shape.ts'

/** More are not listed in one answer. */
const PROBLEMS_MAX = 10
/** A value is quoted in a message up to this many characters. */
const QUOTED_CHARACTERS_MAX = 256
/** The range of JavaScript's Date, which every operation turns times into. */
const EPOCH_SECONDS_MAX = 8_640_000_000_000

interface Problem {
  readonly place: Place
  readonly kind: 'missing' | 'constraint'
  readonly text: string
}

interface Place {
  /** Top-level member of the input. */
  readonly member: string
  /** As AWS writes it: `eventSelectors.1.member.readWriteType`. */
  readonly path: string
}

type Report = (place: Place, kind: Problem['kind'], quoted: string, problem: string) => void

/**
 * Where the user guide allows more than the model: tags have values of 0 to 256 characters
 * (reference/control-plane.md §A.12), which Terraform and others rely on.
 */
const shapes: Readonly<Record<string, Shape>> = {
  ...SHAPES,
  TagValue: { ...SHAPES.TagValue, min: 0 },
}

const shapeOf = (name: string): Shape => {
  const shape = shapes[name]
  if (shape === undefined) throw new Error(`The constraint table lacks the shape ${name}`)
  return shape
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** JSON 1.1's name of a token, as AWS's parser reports it. */
const tokenOf = (value: unknown): string => {
  if (typeof value === 'string') return 'STRING_VALUE'
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE'
  if (typeof value === 'number') return 'NUMBER_VALUE'
  return Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT'
}

const wrongType = (value: unknown, wanted: string): Fault =>
  new Fault('SerializationException', `${tokenOf(value)} can not be converted to ${wanted}`)

/** JSON of anything that a client sent; JSON.stringify recurses, and a client may nest deeper. */
const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value)
  } catch {
    // RangeError: the message then only says what kind of value it was.
    return Array.isArray(value) ? '[…]' : '{…}'
  }
}

const quote = (value: unknown): string => {
  const text = typeof value === 'string' ? value : jsonOf(value)
  return text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const readStructure = (
  value: unknown,
  shape: StructureShape,
  place: Place | undefined,
  report: Report,
): object => {
  if (!isObject(value)) throw wrongType(value, 'a structure')
  const inside = (name: string): Place =>
    place === undefined
      ? { member: name, path: lowerFirst(name) }
      : { member: place.member, path: `${place.path}.${lowerFirst(name)}` }
  const read = Object.entries(shape.members).flatMap(([name, target]) => {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (given !== undefined && given !== null) {
      return [[name, readValue(given, target, inside(name), report)] as const]
    }
    if (shape.required?.includes(name) === true) {
      report(inside(name), 'missing', 'null', 'Member must not be null')
    }
    return []
  })
  return Object.fromEntries(read)
}

const readList = (value: unknown, shape: ListShape, place: Place, report: Report): unknown[] => {
  if (!Array.isArray(value)) throw wrongType(value, 'a list')
  for (const problem of sizeProblems(value.length, shape)) {
    report(place, 'constraint', quote(value), problem)
  }
  const kept = shape.max === undefined ? value : value.slice(0, shape.max)
  return kept.flatMap((item: unknown, index) => {
    const at = { member: place.member, path: `${place.path}.${index + 1}.member` }
    if (item !== null) return [readValue(item, shape.member, at, report)]
    report(at, 'missing', 'null', 'Member must not be null')
    return []
  })
}

const readMap = (value: unknown, shape: MapShape, place: Place, report: Report): object => {
  if (!isObject(value)) throw wrongType(value, 'a map')
  const entries = Object.entries(value).filter(([, item]) => item !== null)
  for (const problem of sizeProblems(entries.length, shape)) {
    report(place, 'constraint', quote(value), problem)
  }
  return Object.fromEntries(
    entries.map(([key, item]) => [
      readValue(key, shape.key, { ...place, path: `${place.path}.key` }, report),
      readValue(item, shape.value, { ...place, path: `${place.path}.${key}.member` }, report),
    ]),
  )
}

const readPlain = (value: unknown, shape: PlainShape): unknown => {
  if (shape.type === 'boolean') {
    if (typeof value !== 'boolean') throw wrongType(value, 'a Boolean')
    return value
  }
  if (shape.type === 'blob') {
    if (typeof value !== 'string') throw wrongType(value, 'a Blob')
    return value
  }
  if (typeof value !== 'number') throw wrongType(value, 'a Timestamp')
  if (Math.abs(value) > EPOCH_SECONDS_MAX) {
    throw new Fault('SerializationException', `${value} is no valid Timestamp`)
  }
  return value
}

const readValue = (value: unknown, name: string, place: Place, report: Report): unknown => {
  const shape = shapeOf(name)
  switch (shape.type) {
    case 'structure':
      return readStructure(value, shape, place, report)
    case 'list':
      return readList(value, shape, place, report)
    case 'map':
      return readMap(value, shape, place, report)
    case 'string': {
      if (typeof value !== 'string') throw wrongType(value, 'a String')
      for (const problem of stringProblems(value, shape)) {
        report(place, 'constraint', quote(value), problem)
      }
      return value
    }
    case 'integer':
    case 'long':
    case 'float':
    case 'double': {
      const whole = shape.type === 'integer' || shape.type === 'long'
      if (typeof value !== 'number') throw wrongType(value, whole ? 'an Integer' : 'a Double')
      if (whole && !Number.isSafeInteger(value)) throw wrongType(value, 'an Integer')
      for (const problem of numberProblems(value, shape)) {
        report(place, 'constraint', quote(value), problem)
      }
      return value
    }
    case 'boolean':
    case 'timestamp':
    case 'blob':
      return readPlain(value, shape)
  }
}

const faultOf = (name: OperationName, first: Problem, problems: readonly Problem[]): Fault => {
  const code =
    first.kind === 'missing' && first.place.path === lowerFirst(first.place.member)
      ? 'ValidationException'
      : constraintFaultOf(name, first.place.member)
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`
  return new Fault(code, `${count}: ${problems.map((problem) => problem.text).join('; ')}`)
}

/**
 * Throws Fault: SerializationException for a JSON type that does not fit, ValidationException for a
 * missing member, and for a broken constraint what `constraint-faults.ts` says.
 */
export const validateInput = <Name extends OperationName>(
  name: Name,
  json: unknown,
): OperationInput<Name> => {
  const problems: Problem[] = []
  const report: Report = (place, kind, quoted, problem) => {
    if (problems.length === PROBLEMS_MAX) return
    const value = quoted === 'null' && kind === 'missing' ? 'null' : `'${quoted}'`
    problems.push({
      place,
      kind,
      text: `Value ${value} at '${place.path}' failed to satisfy constraint: ${problem}`,
    })
  }
  const shape = shapeOf(INPUT_SHAPES[name])
  if (shape.type !== 'structure') throw new Error(`The input of ${name} is no structure`)
  const input = readStructure(json, shape, undefined, report)
  const first = problems[0]
  if (first !== undefined) throw faultOf(name, first, problems)
  return input as OperationInput<Name>
}
