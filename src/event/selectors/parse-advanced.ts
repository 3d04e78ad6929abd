/** Advanced event selectors of a trail: the rules of reference/control-plane.md §B.2 and §B.3. */
import { FIELD_RULES, isArnOfType, TRAIL_CATEGORIES, type TrailCategory } from './fields.ts'
import { SelectorError } from './selector-error.ts'
import {
  type AdvancedEventSelector,
  type AdvancedFieldSelector,
  OPERATORS,
  type Operator,
} from './types.ts'

/** Over all operators of all conditions of all selectors. */
const VALUES_MAX = 500

const invalid = (message: string): SelectorError => new SelectorError(message)

/** The conditions of a field selector that are there. */
const conditionsOf = (field: AdvancedFieldSelector): [Operator, readonly string[]][] =>
  OPERATORS.flatMap((operator) => {
    const values = field[operator]
    return values === undefined ? [] : [[operator, values] as [Operator, readonly string[]]]
  })

const categoryOf = (selector: AdvancedEventSelector): TrailCategory => {
  const fields = selector.FieldSelectors.filter((field) => field.Field === 'eventCategory')
  const [value, ...more] = fields[0]?.Equals ?? []
  if (fields.length !== 1 || value === undefined || more.length > 0) {
    throw invalid('Each selector needs the field eventCategory once, with Equals and one value.')
  }
  const category = TRAIL_CATEGORIES.find((known) => known === value)
  if (category === undefined) {
    throw invalid(`Value ${value} for the field eventCategory is invalid for a trail.`)
  }
  return category
}

const checkField = (field: AdvancedFieldSelector, category: TrailCategory): void => {
  const rule = FIELD_RULES[category].get(field.Field)
  if (rule === undefined) {
    throw invalid(`The field ${field.Field} is invalid for eventCategory ${category}.`)
  }
  const conditions = conditionsOf(field)
  if (conditions.length === 0) throw invalid(`The field ${field.Field} has no operator.`)
  for (const [operator, values] of conditions) {
    if (!rule.operators.includes(operator)) {
      throw invalid(`The operator ${operator} is invalid for the field ${field.Field}.`)
    }
    if (values.length === 0)
      throw invalid(`The field ${field.Field} has ${operator} without a value.`)
    if (rule.single === true && values.length > 1) {
      throw invalid(`The field ${field.Field} takes exactly one value.`)
    }
    const wrong = values.find((value) => rule.values?.has(value) === false)
    if (wrong !== undefined)
      throw invalid(`Value ${wrong} for the field ${field.Field} is invalid.`)
  }
}

/** With Equals and NotEquals a resources.ARN is an ARN of the selector's resources.type. */
const checkArns = (selector: AdvancedEventSelector): void => {
  const type = selector.FieldSelectors.find((field) => field.Field === 'resources.type')
    ?.Equals?.[0]
  const arn = selector.FieldSelectors.find((field) => field.Field === 'resources.ARN')
  if (type === undefined || arn === undefined) return
  const wrong = [...(arn.Equals ?? []), ...(arn.NotEquals ?? [])].find(
    (value) => !isArnOfType(value, type),
  )
  if (wrong !== undefined) {
    throw invalid(`Value ${wrong} for the field resources.ARN is no ARN of ${type}.`)
  }
}

const parseOne = (selector: AdvancedEventSelector): AdvancedEventSelector => {
  if (selector.FieldSelectors.length === 0) {
    throw invalid('Each selector needs at least one field selector.')
  }
  const category = categoryOf(selector)
  const names = selector.FieldSelectors.map((field) => field.Field)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) {
    throw invalid(`The field ${repeated} occurs more than once in a selector.`)
  }
  for (const field of selector.FieldSelectors) checkField(field, category)
  for (const [name, rule] of FIELD_RULES[category]) {
    if (rule.required === true && !names.includes(name)) {
      throw invalid(`A selector with eventCategory ${category} needs the field ${name}.`)
    }
  }
  checkArns(selector)
  return {
    ...(selector.Name === undefined ? {} : { Name: selector.Name }),
    FieldSelectors: selector.FieldSelectors.map((field) => ({
      Field: field.Field,
      ...Object.fromEntries(conditionsOf(field)),
    })),
  }
}

/** Throws SelectorError. There is no limit on selectors, only on values (§B.2). */
export const parseAdvancedSelectors = (
  input: readonly AdvancedEventSelector[],
): AdvancedEventSelector[] => {
  if (input.length === 0) throw invalid('Specify at least one advanced event selector.')
  const values = input
    .flatMap((selector) => selector.FieldSelectors)
    .flatMap(conditionsOf)
    .reduce((sum, [, list]) => sum + list.length, 0)
  if (values > VALUES_MAX) {
    throw invalid(`Specify at most ${VALUES_MAX} values over all advanced event selectors.`)
  }
  return input.map(parseOne)
}
