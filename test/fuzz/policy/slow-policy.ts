/** A slow evaluator of resource policies, after the IAM User Guide alone: the tests' oracle. */
import { BlockList } from 'node:net'
import type { PolicyRequest } from '../../../src/identity/policy/statement.ts'

export interface SlowStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: unknown
  readonly NotPrincipal?: unknown
  readonly Action?: string | string[]
  readonly NotAction?: string | string[]
  readonly Resource?: string | string[]
  readonly NotResource?: string | string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>
}

export interface SlowPolicy {
  readonly Version?: '2012-10-17' | '2008-10-17'
  readonly Statement: readonly SlowStatement[]
}

type Context = PolicyRequest['context']

const listOf = <Item>(given: Item | Item[]): Item[] => (Array.isArray(given) ? given : [given])
const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** A pattern as a regular expression, its variables filled in; undefined where one has no value. */
const sourceOf = (
  pattern: string,
  variables: boolean,
  context: Context,
  wildcards = true,
): string | undefined => {
  let source = ''
  for (let at = 0; at < pattern.length; ) {
    const variable = variables
      ? /^\$\{\s*([^\s,{}$]+|[*?$])\s*(?:,\s*'([^']*)'\s*)?\}/.exec(pattern.slice(at))
      : null
    if (variable !== null) {
      const [whole, key = '', otherwise] = variable
      const values = context.get(key.toLowerCase())
      const one = values?.length === 1 ? values[0] : otherwise
      const text = '*?$'.includes(key) ? key : one
      if (text === undefined) return undefined
      source += quoted(text)
      at += whole.length
      continue
    }
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
    const wild = char === '*' ? '[^]*' : '[^]'
    source += wildcards && '*?'.includes(char) ? wild : quoted(char)
    at += char.length
  }
  return source
}

const matchesWhole = (source: string, text: string): boolean =>
  new RegExp(`^(?:${source})$`, 'u').test(text)

/** Field by field: a wildcard stays in its own; missing fields are `*`. */
const matchesArn = (source: string, text: string): boolean => {
  const fields = text.split(':')
  if (fields.length < 6) return false
  const split = (whole: string[]): string[] => [...whole.slice(0, 5), whole.slice(5).join(':')]
  // No quoted character and no wildcard holds a colon.
  const patterns = source.split(':')
  const wanted = patterns.length < 6 ? patterns : split(patterns)
  return split(fields).every((field, index) => matchesWhole(wanted[index] ?? '[^]*', field))
}

const numberOf = (text: string): number | undefined =>
  text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text)

type Compare = (value: string, wanted: string) => boolean | undefined

const order =
  (holds: (a: number, b: number) => boolean): Compare =>
  (value, wanted) => {
    const [a, b] = [numberOf(value), numberOf(wanted)]
    return a === undefined || b === undefined ? undefined : holds(a, b)
  }

const ip: Compare = (value, wanted) => {
  const [base = '', bits = '32'] = wanted.split('/')
  const list = new BlockList()
  list.addSubnet(base, Number(bits), 'ipv4')
  return /^\d+\.\d+\.\d+\.\d+$/.test(value) ? list.check(value, 'ipv4') : undefined
}

const bool: Compare = (value, wanted) => value.toLowerCase() === wanted.toLowerCase()

/** Operators that compare plain texts; those with patterns are below. */
const PLAIN: Readonly<Record<string, Compare>> = {
  NumericEquals: order((a, b) => a === b),
  NumericLessThan: order((a, b) => a < b),
  NumericGreaterThanEquals: order((a, b) => a >= b),
  Bool: bool,
  IpAddress: ip,
}

const compare = (
  base: string,
  value: string,
  wanted: string,
  variables: boolean,
  context: Context,
): boolean | undefined => {
  const plain = PLAIN[base]
  if (plain !== undefined) return plain(value, wanted)
  const source = sourceOf(wanted, variables, context)
  if (source === undefined) return false
  if (base === 'StringLike') return matchesWhole(source, value)
  if (base.startsWith('Arn'))
    return value.startsWith('arn:') ? matchesArn(source, value) : undefined
  const literal = sourceOf(wanted, variables, context, false) ?? ''
  return base === 'StringEqualsIgnoreCase'
    ? matchesWhole(literal.toLowerCase(), value.toLowerCase())
    : matchesWhole(literal, value)
}

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotLike: 'ArnLike',
  ArnNotEquals: 'ArnEquals',
  NumericNotEquals: 'NumericEquals',
  NotIpAddress: 'IpAddress',
}

const conditionHolds = (
  operator: string,
  key: string,
  wanted: readonly string[],
  variables: boolean,
  context: Context,
): boolean => {
  const values = context.get(key.toLowerCase()) ?? []
  if (operator === 'Null') {
    return wanted.some((each) => (each.toLowerCase() === 'true') === (values.length === 0))
  }
  const set = operator.includes(':') ? operator.split(':')[0] : undefined
  const whole = operator.split(':').at(-1) ?? ''
  const name = whole.replace(/IfExists$/, '')
  const base = NEGATED[name] ?? name
  const negated = base !== name
  if (values.length === 0) {
    if (whole !== name || set === 'ForAllValues') return true
    return set === undefined && negated
  }
  const one = (value: string): boolean => {
    // A value whose variable nobody set is not there; one that is no ARN, number … proves nothing.
    const there = wanted.filter((each) => sourceOf(each, variables, context) !== undefined)
    const results = there.map((each) => compare(base, value, each, variables, context))
    if (results.includes(true)) return !negated
    return negated && (results.includes(false) || there.length === 0)
  }
  if (set === 'ForAllValues') return values.every(one)
  if (set === 'ForAnyValue') return values.some(one)
  return negated ? values.every(one) : values.some(one)
}

/** `names`: every way to name the principal, the account first. */
export interface SlowPrincipal {
  readonly kind: 'aws' | 'service' | 'anonymous'
  readonly names: readonly (readonly string[])[]
}

const listed = (element: unknown, principal: SlowPrincipal, all: boolean): boolean => {
  if (element === '*') return true
  const members = element as Readonly<Record<string, string | string[]>>
  const aws = listOf(members.AWS ?? [])
  if (aws.includes('*')) return true
  if (principal.kind === 'anonymous') return false
  if (principal.kind === 'service') {
    return principal.names.flat().some((name) => listOf(members.Service ?? []).includes(name))
  }
  const hits = principal.names.map((spellings) => spellings.some((name) => aws.includes(name)))
  return all ? hits.every(Boolean) : hits.some(Boolean)
}

const covers = (
  given: SlowStatement,
  request: PolicyRequest,
  principal: SlowPrincipal,
  variables: boolean,
): boolean => {
  const { context } = request
  const action = (pattern: string): boolean =>
    matchesWhole(
      sourceOf(pattern.toLowerCase(), false, context) ?? '',
      request.action.toLowerCase(),
    )
  const resource = (pattern: string): boolean => {
    if (pattern === '*') return true
    const source = sourceOf(pattern, variables, context)
    return source !== undefined && matchesArn(source, request.resource)
  }
  if (given.Principal !== undefined && !listed(given.Principal, principal, false)) return false
  const exempt = given.Effect === 'Deny'
  if (given.NotPrincipal !== undefined && listed(given.NotPrincipal, principal, exempt))
    return false
  if (given.Action !== undefined && !listOf(given.Action).some(action)) return false
  if (given.NotAction !== undefined && listOf(given.NotAction).some(action)) return false
  if (given.Resource !== undefined && !listOf(given.Resource).some(resource)) return false
  if (given.NotResource !== undefined && listOf(given.NotResource).some(resource)) return false
  return Object.entries(given.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) =>
      conditionHolds(operator, key, listOf(wanted), variables, context),
    ),
  )
}

export const slowlyDecides = (
  policy: SlowPolicy,
  request: PolicyRequest,
  principal: SlowPrincipal,
): 'allow' | 'deny' | 'none' => {
  const variables = policy.Version === '2012-10-17'
  const effects = policy.Statement.filter((each) =>
    covers(each, request, principal, variables),
  ).map(({ Effect }) => Effect)
  if (effects.includes('Deny')) return 'deny'
  return effects.length > 0 ? 'allow' : 'none'
}
