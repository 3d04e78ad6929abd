/** A slow evaluator that spells out reference/control-plane.md §B.1 and §B.2: the tests' oracle. */
import type { EventCategory } from '../../sealed-event.ts'
import {
  type AdvancedEventSelector,
  type AdvancedFieldSelector,
  type EventSelector,
  OPERATORS,
  type TrailSelectors,
} from '../types.ts'

export type Json = Record<string, unknown>

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as Json)[name]
    : undefined

const text = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  return value === true ? 'true' : value === false ? 'false' : undefined
}

const resources = (event: Json): Json[] => {
  const list = at(event, 'resources')
  if (!Array.isArray(list)) return []
  return list.filter((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
}

const arnOf = (resource: Json): string | undefined =>
  text(at(resource, 'ARN')) ?? text(at(resource, 'ARNPrefix'))

const slowText = (field: AdvancedFieldSelector, value: string | undefined): boolean => {
  const hit = (operator: (typeof OPERATORS)[number], wanted: string): boolean => {
    if (value === undefined) return false
    if (operator.endsWith('Equals')) return value === wanted
    if (operator.endsWith('StartsWith')) return value.slice(0, wanted.length) === wanted
    return wanted === '' || value.slice(-wanted.length) === wanted
  }
  let positives = 0
  let positiveHits = 0
  for (const operator of OPERATORS) {
    for (const wanted of field[operator] ?? []) {
      if (operator.startsWith('Not')) {
        if (hit(operator, wanted)) return false
      } else if (hit(operator, wanted)) positiveHits++
    }
    if (field[operator] !== undefined && !operator.startsWith('Not')) positives++
  }
  return positives === 0 || positiveHits > 0
}

const slowAdvanced = (
  selector: AdvancedEventSelector,
  event: Json,
  category: EventCategory,
): boolean => {
  const wholeEvent = selector.FieldSelectors.every((field) => {
    if (field.Field.startsWith('resources.')) return true
    if (field.Field === 'eventCategory') return slowText(field, category)
    if (field.Field === 'readOnly') {
      return slowText(field, text(at(event, 'readOnly')) === 'true' ? 'true' : 'false')
    }
    if (field.Field === 'userIdentity.arn') {
      return slowText(field, text(at(at(event, 'userIdentity'), 'arn')))
    }
    return slowText(field, text(at(event, field.Field)))
  })
  const about = selector.FieldSelectors.filter((field) => field.Field.startsWith('resources.'))
  if (!wholeEvent || about.length === 0) return wholeEvent
  return resources(event).some((resource) =>
    about.every((field) =>
      slowText(
        field,
        field.Field === 'resources.ARN' ? arnOf(resource) : text(at(resource, 'type')),
      ),
    ),
  )
}

const slowBasic = (selector: EventSelector, event: Json, category: EventCategory): boolean => {
  const read = text(at(event, 'readOnly')) === 'true'
  if (selector.ReadWriteType === 'ReadOnly' && !read) return false
  if (selector.ReadWriteType === 'WriteOnly' && read) return false
  if (category === 'Management') {
    if (!selector.IncludeManagementEvents) return false
    const source = text(at(event, 'eventSource'))
    return source === undefined || !selector.ExcludeManagementEventSources.includes(source)
  }
  if (category !== 'Data') return false
  for (const { Type, Values } of selector.DataResources) {
    for (const resource of resources(event)) {
      if (text(at(resource, 'type')) !== Type) continue
      for (const value of Values) {
        const arn = arnOf(resource)
        const everything = ['arn:aws:s3', 'arn:aws:s3:::', 'arn:aws:lambda', 'arn:aws:dynamodb']
        if (arn === undefined ? everything.includes(value) : false) return true
        if (arn === undefined) continue
        if (Type === 'AWS::S3::Object' ? arn.indexOf(value) === 0 : arn === value) return true
        if (value === 'arn:aws:lambda' || value === 'arn:aws:dynamodb') return true
      }
    }
  }
  return false
}

export const slowlySelects = (
  selectors: TrailSelectors,
  event: Json,
  category: EventCategory,
): boolean =>
  'basic' in selectors
    ? selectors.basic.some((selector) => slowBasic(selector, event, category))
    : selectors.advanced.some((selector) => slowAdvanced(selector, event, category))
