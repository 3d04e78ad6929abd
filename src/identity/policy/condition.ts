import type { RequestContext } from './context.ts'
import { type Operator, operatorNamed, type Test } from './operators.ts'
import { compileTemplate, resolveTemplate, type Template } from './variables.ts'

/** One key under one operator. */
export type Condition = (context: RequestContext) => boolean

interface ParsedName {
  readonly set: 'all' | 'any' | undefined
  readonly ifExists: boolean
  readonly operator: Operator | 'null'
}

const SETS: ReadonlyMap<string, 'all' | 'any'> = new Map([
  ['forallvalues', 'all'],
  ['foranyvalue', 'any'],
])

/** `ForAllValues:StringLikeIfExists` to its parts; undefined for a name that AWS does not know. */
const parseName = (name: string): ParsedName | undefined => {
  const [first = '', second] = name.split(':')
  const set = second === undefined ? undefined : SETS.get(first.toLowerCase())
  if (second !== undefined && set === undefined) return undefined
  const whole = second ?? first
  const ifExists = /IfExists$/i.test(whole)
  const base = ifExists ? whole.slice(0, -'IfExists'.length) : whole
  if (base.toLowerCase() === 'null') {
    return ifExists || set !== undefined ? undefined : { set, ifExists, operator: 'null' }
  }
  const operator = operatorNamed(base)
  return operator === undefined ? undefined : { set, ifExists, operator }
}

/** A policy's value: compiled at once, or at each request where it holds a variable. */
type Alternative = Test | { readonly template: Template }

const compileValue = (operator: Operator, value: string, variables: boolean): Alternative => {
  const template = compileTemplate(value, variables && operator.variables)
  if (!template.fixed) return { template }
  return operator.compile(resolveTemplate(template, new Map()) ?? []) ?? (() => undefined)
}

const testsOf = (
  operator: Operator,
  alternatives: readonly Alternative[],
  context: RequestContext,
): Test[] =>
  alternatives.flatMap((alternative) => {
    if (typeof alternative === 'function') return [alternative]
    const parts = resolveTemplate(alternative.template, context)
    const test = parts === undefined ? undefined : operator.compile(parts)
    return test === undefined ? [] : [test]
  })

/** Whether one value of the request meets the operator, its negation included. */
const meets = (operator: Operator, tests: readonly Test[], value: string): boolean => {
  let comparable = !operator.negated
  for (const test of tests) {
    const outcome = test(value)
    if (outcome === true) return !operator.negated
    if (outcome === false) comparable = true
  }
  // Nothing matched. A value that could not even be compared is no proof of "not equal".
  return operator.negated && (comparable || tests.length === 0)
}

const nullCondition =
  (key: string, values: readonly string[]): Condition =>
  (context) => {
    const absent = (context.get(key)?.length ?? 0) === 0
    return values.some((value) => value.toLowerCase() === (absent ? 'true' : 'false'))
  }

/**
 * Compiles one key's values under one operator. Undefined for an unknown operator. Without a set
 * prefix any value of the request may match; under `Not…` none may.
 */
export const compileCondition = (
  operatorName: string,
  key: string,
  values: readonly string[],
  variables: boolean,
): Condition | undefined => {
  const name = parseName(operatorName)
  if (name === undefined) return undefined
  const lowered = key.toLowerCase()
  const { set, ifExists, operator } = name
  if (operator === 'null') return nullCondition(lowered, values)
  const alternatives = values.map((value) => compileValue(operator, value, variables))
  return (context) => {
    const given = context.get(lowered)
    if (given === undefined || given.length === 0) {
      // "If the key is not present": negated operators and ForAllValues are true, others false.
      return ifExists || set === 'all' || (set === undefined && operator.negated)
    }
    const tests = testsOf(operator, alternatives, context)
    const one = (value: string): boolean => meets(operator, tests, value)
    if (set === 'all') return given.every(one)
    if (set === 'any') return given.some(one)
    return operator.negated ? given.every(one) : given.some(one)
  }
}
