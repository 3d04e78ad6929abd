/**
 * Values for every member of a shape, keyed by the model's names: plain texts, and marked ones for
 * whatever must not be recorded.
 */
import type { Member, Shape } from '../../src/capture/catalogue/shapes.ts'

export interface Marks {
  /** True for a member that must not be recorded. */
  readonly secret: (member: Member) => boolean
  readonly plain: string
  readonly marked: string
}

const DEPTH_MAX = 5

const memberValue = (member: Member, marks: Marks, hidden: boolean, depth: number): unknown => {
  const shape = member.shape()
  const secret = hidden || member.sensitive || shape.sensitive || marks.secret(member)
  return valueFor(shape, marks, secret, depth)
}

const scalarFor = (shape: Shape, marks: Marks, secret: boolean): unknown => {
  const text = secret ? marks.marked : marks.plain
  switch (shape.kind) {
    case 'integer':
    case 'decimal':
      return 7
    case 'boolean':
      return true
    case 'timestamp':
      return 1772439247
    case 'blob':
      // Blobs are never recorded, whatever the model says.
      return Buffer.from(marks.marked).toString('base64')
    default:
      return text
  }
}

/** Undefined below the depth that is enough: shapes contain themselves. */
export const valueFor = (shape: Shape, marks: Marks, secret = false, depth = 0): unknown => {
  if (depth > DEPTH_MAX) return undefined
  switch (shape.kind) {
    case 'structure':
      return Object.fromEntries(
        shape.members
          .map((member) => [member.name, memberValue(member, marks, secret, depth + 1)] as const)
          .filter(([, value]) => value !== undefined),
      )
    case 'list': {
      const { element } = shape
      const value =
        element === undefined ? undefined : memberValue(element, marks, secret, depth + 1)
      return value === undefined ? [] : [value, value]
    }
    case 'map': {
      const { value: member, key } = shape
      const value = member === undefined ? undefined : memberValue(member, marks, secret, depth + 1)
      // DynamoDB's records show the names of attributes, whatever their values are.
      const name = key?.sensitive === true ? marks.marked : 'entry-name'
      return value === undefined ? {} : { [name]: value }
    }
    default:
      return scalarFor(shape, marks, secret)
  }
}
