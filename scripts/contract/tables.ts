/** Prints a model's declared faults and the constraints of its inputs as data. */
import { inputsOf, type Model, type ModelShape, reachable, shapeOf } from './model.ts'

/**
 * AWS matches a pattern against the whole value, anchored or not; Java's `(?s)` is a flag here.
 * Every pattern is compiled once, so that one JavaScript cannot read fails the generation.
 */
const patternOf = (pattern: string): { source: string; flags: string } => {
  const dotAll = pattern.startsWith('(?s)')
  const source = `^(?:${dotAll ? pattern.slice(4) : pattern})$`
  const flags = dotAll ? 'su' : 'u'
  new RegExp(source, flags)
  return { source, flags }
}

const membersOf = (shape: ModelShape): Record<string, string> =>
  Object.fromEntries(
    Object.entries(shape.members ?? {}).map(([name, member]) => [name, member.shape]),
  )

/** The row of one shape, in the form of src/contract/shape.ts. */
const rowOf = (shape: ModelShape): object => ({
  type: shape.type,
  ...(shape.type === 'structure' ? { members: membersOf(shape) } : {}),
  ...(shape.required === undefined ? {} : { required: [...shape.required].sort() }),
  ...(shape.member === undefined ? {} : { member: shape.member.shape }),
  ...(shape.key === undefined ? {} : { key: shape.key.shape }),
  ...(shape.value === undefined ? {} : { value: shape.value.shape }),
  ...(shape.min === undefined ? {} : { min: shape.min }),
  ...(shape.max === undefined ? {} : { max: shape.max }),
  ...(shape.pattern === undefined
    ? {}
    : { pattern: shape.pattern, match: patternOf(shape.pattern) }),
  ...(shape.enum === undefined ? {} : { enum: shape.enum }),
})

const printConstant = (name: string, comment: string, value: object, type: string): string => {
  const rows = Object.entries(value).map(([key, row]) => `  ${key}: ${JSON.stringify(row)},`)
  return `/** ${comment} */\nexport const ${name} = {\n${rows.join('\n')}\n} as const${type}\n`
}

const faultsOf = (model: Model): object =>
  Object.fromEntries(
    Object.values(model.operations).map((operation) => [
      operation.name,
      (operation.errors ?? []).map((error) => error.shape),
    ]),
  )

const inputNamesOf = (model: Model): object =>
  Object.fromEntries(
    Object.values(model.operations).map((operation) => [operation.name, operation.input.shape]),
  )

const constraintsOf = (model: Model): object =>
  Object.fromEntries(
    reachable(model, inputsOf(model)).map((name) => [name, rowOf(shapeOf(model, name))]),
  )

/** The whole module of tables; `prefix` is `''` or `DATA_`. */
export const printTables = (model: Model, header: string, prefix: string): string =>
  [
    header,
    "import type { Shape } from './shape.ts'\n",
    printConstant(
      `${prefix}DECLARED_FAULTS`,
      'The faults that each operation declares.',
      faultsOf(model),
      '',
    ),
    printConstant(`${prefix}INPUT_SHAPES`, 'The shape of each input.', inputNamesOf(model), ''),
    printConstant(
      `${prefix}SHAPES`,
      'Every shape that an input can reach, with its constraints.',
      constraintsOf(model),
      ' satisfies Record<string, Shape>',
    ),
  ].join('\n')
