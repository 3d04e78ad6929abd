/** Prints a model's shapes as TypeScript types: members as on the wire. */
import { inputsOf, type Model, type ModelMember, outputsOf, reachable, shapeOf } from './model.ts'

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const memberName = (name: string): string => (IDENTIFIER.test(name) ? name : quote(name))

const SCALARS: Readonly<Record<string, string>> = {
  integer: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  boolean: 'boolean',
  // Epoch seconds, JSON 1.1.
  timestamp: 'EpochSeconds',
  blob: 'Base64',
}

const typeOf = (model: Model, member: ModelMember): string => {
  const shape = shapeOf(model, member.shape)
  if (shape.type === 'structure') return member.shape
  if (shape.type === 'list' && shape.member !== undefined) {
    const item = typeOf(model, shape.member)
    return item.includes(' ') ? `readonly (${item})[]` : `readonly ${item}[]`
  }
  if (shape.type === 'map' && shape.key !== undefined && shape.value !== undefined) {
    const key = shapeOf(model, shape.key.shape).enum === undefined ? 'string' : member.shape
    const value = typeOf(model, shape.value)
    return key === 'string'
      ? `Readonly<Record<string, ${value}>>`
      : `{ readonly [Key in ${typeOf(model, shape.key)}]?: ${value} }`
  }
  if (shape.type === 'string') return shape.enum?.map(quote).join(' | ') ?? 'string'
  const scalar = SCALARS[shape.type]
  if (scalar === undefined) throw new Error(`A shape of a type not known: ${shape.type}`)
  return scalar
}

/**
 * `loose`: the shape occurs in answers only; there a member may be given as undefined, which the
 * wire omits.
 */
const printStructure = (model: Model, name: string, loose: boolean): string => {
  const shape = shapeOf(model, name)
  const members = Object.entries(shape.members ?? {}).map(([member, target]) => {
    const required = shape.required?.includes(member) === true
    const type = typeOf(model, target)
    const optional = loose ? `?: ${type} | undefined` : `?: ${type}`
    return `  readonly ${memberName(member)}${required ? `: ${type}` : optional}`
  })
  return members.length === 0
    ? `export type ${name} = Readonly<Record<never, never>>\n`
    : `export interface ${name} {\n${members.join('\n')}\n}\n`
}

/** Inputs and outputs by operation name, under `prefix` (`''` or `Data`). */
const printOperations = (model: Model, prefix: string): string => {
  const operations = Object.values(model.operations)
  const rows = operations.map(
    ({ name, input, output }) =>
      `  readonly ${name}: { readonly input: ${input.shape}; readonly output: ${output.shape} }`,
  )
  return [
    `export interface ${prefix}OperationShapes {\n${rows.join('\n')}\n}\n`,
    `export type ${prefix}OperationName = keyof ${prefix}OperationShapes\n`,
  ].join('\n')
}

/** The whole module of types. */
export const printTypes = (model: Model, header: string, prefix: string): string => {
  const inputs = new Set(reachable(model, inputsOf(model)))
  const structures = reachable(model, [...inputsOf(model), ...outputsOf(model)]).filter(
    (name) => shapeOf(model, name).type === 'structure',
  )
  const all = structures.map((name) => printStructure(model, name, !inputs.has(name)))
  const aliases = [
    '/** Seconds since the epoch, with a fraction where there is one. */\nexport type EpochSeconds = number\n',
    '/** Bytes as base64 text. */\nexport type Base64 = string\n',
  ].filter((alias) =>
    all.some((text) => text.includes(alias.includes('Base64') ? 'Base64' : 'EpochSeconds')),
  )
  return [header, ...aliases, printOperations(model, prefix), ...all].join('\n')
}
