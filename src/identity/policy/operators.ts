/**
 * Condition operators as data (IAM User Guide, "IAM JSON policy elements: Condition operators").
 * A row says how one value of the policy becomes a test of one value of the request; what `Not…`,
 * `…IfExists`, `ForAllValues:` and `ForAnyValue:` add is the same for all of them (condition.ts).
 */
import { BlockList, isIP } from 'node:net'
import { arnGlobOf, globOf, type PatternPart } from './wildcard.ts'

/** Undefined: the request's value is not of the operator's type, then the condition is not met. */
export type Test = (requestValue: string) => boolean | undefined

export interface Operator {
  readonly name: string
  /** `Not…`: met when none of the values matches. */
  readonly negated: boolean
  /** Whether policy variables are replaced in its values. */
  readonly variables: boolean
  /** Undefined where the policy's value is not of the operator's type: it never matches. */
  readonly compile: (policyValue: readonly PatternPart[]) => Test | undefined
}

const plain = (parts: readonly PatternPart[]): string => parts.map(({ text }) => text).join('')

const numberOf = (text: string): number | undefined =>
  /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text.trim()) ? Number(text) : undefined

const ISO_DATE =
  /^\d{4}-\d{2}-\d{2}(?:T\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/** ISO 8601 (W3C profile) or epoch seconds, in milliseconds. */
const dateOf = (text: string): number | undefined => {
  const seconds = numberOf(text)
  if (seconds !== undefined && !/^\d{4}$/.test(text)) return seconds * 1_000
  const ms = ISO_DATE.test(text) || /^\d{4}$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

type Order = (request: number, policy: number) => boolean

const ordered =
  (read: (text: string) => number | undefined, holds: Order): Operator['compile'] =>
  (parts) => {
    const policy = read(plain(parts))
    if (policy === undefined) return undefined
    return (value) => {
      const request = read(value)
      return request === undefined ? undefined : holds(request, policy)
    }
  }

const equals: Operator['compile'] = (parts) => {
  const policy = plain(parts)
  return (value) => value === policy
}

const equalsIgnoringCase: Operator['compile'] = (parts) => {
  const policy = plain(parts).toLowerCase()
  return (value) => value.toLowerCase() === policy
}

const like: Operator['compile'] = (parts) => {
  const pattern = globOf(parts)
  return (value) => pattern.matches(value)
}

/** ArnEquals and ArnLike behave identically. */
const arn: Operator['compile'] = (parts) => {
  const pattern = arnGlobOf(parts)
  return (value) => (value.startsWith('arn:') ? pattern.matches(value) : undefined)
}

const bool: Operator['compile'] = (parts) => {
  const policy = plain(parts).toLowerCase()
  if (policy !== 'true' && policy !== 'false') return undefined
  return (value) => value.toLowerCase() === policy
}

/** Both are base64; what differs only in padding is the same. */
const binary: Operator['compile'] = (parts) => {
  const policy = Buffer.from(plain(parts), 'base64')
  return (value) => Buffer.from(value, 'base64').equals(policy)
}

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined => {
  const version = isIP(address)
  if (version === 0) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}

/** CIDR (RFC 4632) or a single address; IPv4-mapped IPv6 addresses match their IPv4 range. */
const address: Operator['compile'] = (parts) => {
  const [base = '', prefix, ...more] = plain(parts).split('/')
  const family = familyOf(base)
  if (family === undefined || more.length > 0) return undefined
  const bits = family === 'ipv4' ? 32 : 128
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
  if (length < 0 || length > bits) return undefined
  const range = new BlockList()
  range.addSubnet(base, length, family)
  return (value) => {
    const given = familyOf(value)
    return given === undefined ? undefined : range.check(value, given)
  }
}

const row = (
  name: string,
  compile: Operator['compile'],
  options: { negated?: true; variables?: true } = {},
): Operator => ({
  name,
  compile,
  negated: options.negated === true,
  variables: options.variables === true,
})

const negated = { negated: true } as const
const variables = { variables: true } as const
const both = { ...negated, ...variables } as const

const same: Order = (request, policy) => request === policy
const less: Order = (request, policy) => request < policy
const atMost: Order = (request, policy) => request <= policy
const more: Order = (request, policy) => request > policy
const atLeast: Order = (request, policy) => request >= policy

/** `Null` is not among them: it asks whether a key is there, not what its values are. */
export const OPERATORS: readonly Operator[] = [
  row('StringEquals', equals, variables),
  row('StringNotEquals', equals, both),
  row('StringEqualsIgnoreCase', equalsIgnoringCase, variables),
  row('StringNotEqualsIgnoreCase', equalsIgnoringCase, both),
  row('StringLike', like, variables),
  row('StringNotLike', like, both),
  row('ArnEquals', arn, variables),
  row('ArnNotEquals', arn, both),
  row('ArnLike', arn, variables),
  row('ArnNotLike', arn, both),
  row('NumericEquals', ordered(numberOf, same)),
  row('NumericNotEquals', ordered(numberOf, same), negated),
  row('NumericLessThan', ordered(numberOf, less)),
  row('NumericLessThanEquals', ordered(numberOf, atMost)),
  row('NumericGreaterThan', ordered(numberOf, more)),
  row('NumericGreaterThanEquals', ordered(numberOf, atLeast)),
  row('DateEquals', ordered(dateOf, same)),
  row('DateNotEquals', ordered(dateOf, same), negated),
  row('DateLessThan', ordered(dateOf, less)),
  row('DateLessThanEquals', ordered(dateOf, atMost)),
  row('DateGreaterThan', ordered(dateOf, more)),
  row('DateGreaterThanEquals', ordered(dateOf, atLeast)),
  row('Bool', bool),
  row('BinaryEquals', binary),
  row('IpAddress', address),
  row('NotIpAddress', address, negated),
]

const BY_NAME = new Map(OPERATORS.map((operator) => [operator.name.toLowerCase(), operator]))

export const operatorNamed = (name: string): Operator | undefined => BY_NAME.get(name.toLowerCase())
