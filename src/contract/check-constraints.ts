/** The constraints of one value, in the words of AWS's validation messages. */
import type { ListShape, MapShape, NumberShape, StringShape } from './shape.ts'

const compiled = new Map<string, RegExp>()

const expressionOf = (match: { source: string; flags: string }): RegExp => {
  const known = compiled.get(match.source)
  if (known !== undefined) return known
  const expression = new RegExp(match.source, match.flags)
  compiled.set(match.source, expression)
  return expression
}

/** Unicode scalar values: Smithy's `length` trait. */
const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length++
  return length
}

const lengthProblems = (length: number, shape: { min?: number; max?: number }): string[] => [
  ...(shape.max !== undefined && length > shape.max
    ? [`Member must have length less than or equal to ${shape.max}`]
    : []),
  ...(shape.min !== undefined && length < shape.min
    ? [`Member must have length greater than or equal to ${shape.min}`]
    : []),
]

export const stringProblems = (value: string, shape: StringShape): string[] => {
  const bounded = shape.min !== undefined || shape.max !== undefined
  const problems = bounded ? lengthProblems(lengthOf(value), shape) : []
  // A pattern is not tried on a text that is too long: the work stays bounded by the limit.
  if (problems.length === 0 && shape.match && !expressionOf(shape.match).test(value)) {
    problems.push(`Member must satisfy regular expression pattern: ${shape.pattern ?? ''}`)
  }
  if (shape.enum !== undefined && !shape.enum.includes(value)) {
    problems.push(`Member must satisfy enum value set: [${shape.enum.join(', ')}]`)
  }
  return problems
}

export const numberProblems = (value: number, shape: NumberShape): string[] => [
  ...(shape.max !== undefined && value > shape.max
    ? [`Member must have value less than or equal to ${shape.max}`]
    : []),
  ...(shape.min !== undefined && value < shape.min
    ? [`Member must have value greater than or equal to ${shape.min}`]
    : []),
]

export const sizeProblems = (size: number, shape: ListShape | MapShape): string[] =>
  lengthProblems(size, shape)
