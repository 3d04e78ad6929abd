/** The policy matcher against a slow one, and the bounds of its work. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { requestContext } from '../../../src/identity/policy/context.ts'
import { evaluateResourcePolicy } from '../../../src/identity/policy/evaluate.ts'
import { operatorNamed } from '../../../src/identity/policy/operators.ts'
import { PolicyError, parsePolicy } from '../../../src/identity/policy/parse.ts'
import type { RequestPrincipal } from '../../../src/identity/policy/principal.ts'
import { compileTemplate, resolveTemplate } from '../../../src/identity/policy/variables.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds, runs } from '../runs.ts'
import {
  type SlowPolicy,
  type SlowPrincipal,
  type SlowStatement,
  slowlyDecides,
} from './slow-policy.ts'

const ACCOUNT = '111122223333'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/r/s`
const USER = `arn:aws:iam::${ACCOUNT}:user/u`

const accountNames = [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`]
const PRINCIPALS: readonly [RequestPrincipal, SlowPrincipal][] = [
  [
    { kind: 'aws', arn: USER, account: ACCOUNT, uniqueId: 'AIDAU' },
    { kind: 'aws', names: [accountNames, [USER, 'AIDAU']] },
  ],
  [
    { kind: 'aws', arn: SESSION, account: ACCOUNT, roleArn: ROLE, uniqueId: 'AROAR' },
    { kind: 'aws', names: [accountNames, [ROLE, 'AROAR'], [SESSION]] },
  ],
  [
    { kind: 'aws', arn: `arn:aws:iam::${ACCOUNT}:root`, account: ACCOUNT },
    { kind: 'aws', names: [accountNames] },
  ],
  [
    { kind: 'service', service: 'cloudtrail.amazonaws.com' },
    { kind: 'service', names: [['cloudtrail.amazonaws.com', '*']] },
  ],
  [{ kind: 'anonymous' }, { kind: 'anonymous', names: [] }],
]

/** `inner` in the braces of a policy variable. */
const variable = (inner: string): string => `\${${inner}}`

/** Few texts, so that they meet. */
const piece = fc.constantFrom(
  'a',
  'b',
  'A',
  '*',
  '?',
  'é',
  '😀',
  '/',
  '.',
  variable('aws:username'),
  variable('*'),
)
const more = fc.constantFrom(
  ...["no:key, 'b'", 'no:key', 'aws:tags'].map(variable),
  ...['$', '{', '}'],
)
const pattern = fc.array(fc.oneof({ weight: 8, arbitrary: piece }, more), { maxLength: 4 })
const joined = pattern.map((pieces) => pieces.join(''))
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', '*', '?', 'é', '😀', '/', '.'),
  maxLength: 4,
})

const arn = fc.tuple(text, text).map(([region, name]) => `arn:aws:s3:${region}::${name}`)
const arnPattern = fc.oneof(
  fc.tuple(joined, joined).map(([region, name]) => `arn:aws:s3:${region}::${name}`),
  fc.tuple(joined).map(([name]) => `arn:aws:*:*:*:${name}`),
  fc.constantFrom('*', 'arn:*', 'arn:aws:s3:::*', 'arn:aws:s3'),
)
const actions = fc.constantFrom(
  's3:GetObject',
  'S3:getobject',
  's3:*',
  's3:Get?bject',
  '*',
  's3:P*t',
)
const some = <Item>(item: fc.Arbitrary<Item>) =>
  fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 3 }))

const principal = fc.oneof(
  fc.constant('*'),
  fc.record({
    AWS: some(fc.constantFrom('*', ACCOUNT, USER, ROLE, SESSION, 'AIDAU', ...accountNames)),
  }),
  fc.record({
    Service: some(fc.constantFrom('cloudtrail.amazonaws.com', 's3.amazonaws.com', '*')),
  }),
)

const numbers = fc.constantFrom('1', '2', '1.0', '1e0', '-1', 'x', '0x1', ' 1')
const addresses = fc.constantFrom('10.0.0.1', '10.0.0.0/8', '192.0.2.7', '192.0.2.0/24')
const CONDITIONS: readonly [operators: string[], key: string, values: fc.Arbitrary<string>][] = [
  [
    ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'],
    'aws:username',
    joined,
  ],
  [['StringLike', 'StringNotLike'], 'AWS:UserName', joined],
  [['StringLike', 'StringNotLike', 'StringEquals', 'StringNotEquals'], 'aws:tags', joined],
  [
    ['ArnLike', 'ArnNotLike', 'ArnEquals', 'ArnNotEquals'],
    'aws:SourceArn',
    arnPattern.filter((given) => given !== '*'),
  ],
  [
    ['NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericGreaterThanEquals'],
    's3:max-keys',
    numbers.filter((given) => !given.includes('x')),
  ],
  [['IpAddress', 'NotIpAddress'], 'aws:SourceIp', addresses],
  [['Bool'], 'aws:SecureTransport', fc.constantFrom('true', 'false', 'TRUE')],
  [['Null'], 'aws:username', fc.constantFrom('true', 'false')],
]

const condition = fc.constantFrom(...CONDITIONS).chain(([operators, key, values]) =>
  fc
    .tuple(
      fc.constantFrom(...operators),
      fc.constantFrom('', '', 'ForAllValues:', 'ForAnyValue:'),
      fc.constantFrom('', '', 'IfExists'),
      some(values),
    )
    .map(([operator, set, exists, wanted]) => ({
      [operator === 'Null' ? operator : `${set}${operator}${exists}`]: { [key]: wanted },
    })),
)

const statement = fc
  .tuple(
    fc.constantFrom<SlowStatement['Effect']>('Allow', 'Deny'),
    fc.oneof(
      { weight: 3, arbitrary: principal.map((Principal) => ({ Principal })) },
      { weight: 1, arbitrary: principal.map((NotPrincipal) => ({ NotPrincipal })) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: some(actions).map((Action) => ({ Action })) },
      { weight: 1, arbitrary: some(actions).map((NotAction) => ({ NotAction })) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: some(arnPattern).map((Resource) => ({ Resource })) },
      { weight: 1, arbitrary: some(arnPattern).map((NotResource) => ({ NotResource })) },
    ),
    fc.option(condition, { nil: undefined }),
  )
  .map(
    ([Effect, who, what, where, Condition]): SlowStatement =>
      ({ Effect, ...who, ...what, ...where, ...(Condition && { Condition }) }) as SlowStatement,
  )

const policies: fc.Arbitrary<SlowPolicy> = fc.record(
  {
    Version: fc.constantFrom<'2012-10-17' | '2008-10-17'>('2012-10-17', '2012-10-17', '2008-10-17'),
    Statement: fc.array(statement, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['Statement'] },
)

const contexts = fc.record(
  {
    'aws:username': text,
    'aws:tags': fc.array(text, { maxLength: 3 }),
    'aws:SourceArn': fc.oneof(arn, fc.constant('no-arn')),
    's3:max-keys': numbers.filter((given) => !given.startsWith('0x')),
    'aws:SourceIp': fc.constantFrom('10.0.0.1', '192.0.2.7', '198.51.100.1', 'no-address'),
    'aws:SecureTransport': fc.constantFrom('true', 'false'),
  },
  { requiredKeys: [] },
)

interface Asking {
  readonly who: number
  readonly action: string
  readonly resource: string
  readonly keys: Readonly<Record<string, string | string[]>>
}

const askings: fc.Arbitrary<Asking> = fc.record({
  who: fc.nat(PRINCIPALS.length - 1),
  action: fc.constantFrom('s3:GetObject', 's3:PutObject', 'S3:GETOBJECT'),
  resource: fc.oneof(arn, fc.constantFrom('arn:aws:s3:::b', 'arn:aws:sns:eu-west-1:1:t')),
  keys: contexts as fc.Arbitrary<Asking['keys']>,
})

describe('policies', () => {
  it('decide as a slow reading of the rules does', () => {
    const decided: Record<string, number> = {}
    fc.assert(
      fc.property(policies, fc.array(askings, { minLength: 1, maxLength: 4 }), (policy, all) => {
        const compiled = parsePolicy(JSON.stringify(policy), 'bucket')
        for (const { who, action, resource, keys } of all) {
          const [principalOf, slow] = PRINCIPALS[who] ?? []
          assert.ok(principalOf && slow)
          const request = {
            principal: principalOf,
            action,
            resource,
            context: requestContext(keys),
          }
          const expected = slowlyDecides(policy, request, slow)
          assert.equal(evaluateResourcePolicy(compiled, request), expected)
          decided[expected] = (decided[expected] ?? 0) + 1
        }
      }),
      runs(1200),
    )
    for (const one of ['allow', 'deny', 'none']) {
      assert.ok((decided[one] ?? 0) > 100, `${one}: ${decided[one]} of the generated requests`)
    }
  })

  it('of broken bytes are policies or errors that say so', () =>
    holds<[SlowPolicy, Mutation[]]>(200, [policies, mutations], (policy, changes) => {
      const broken = mutate(Buffer.from(JSON.stringify(policy)), changes).toString()
      for (const kind of ['bucket', 'trust'] as const) {
        try {
          parsePolicy(broken, kind)
        } catch (error) {
          assert.ok(error instanceof PolicyError, String(error))
        }
      }
    }))

  it('have operators of their own names only', () => {
    for (const name of ['constructor:StringEquals', 'toString:Bool', '__proto__:Null', 'valueOf']) {
      const Condition = { [name]: { 'aws:username': 'a' } }
      const given = { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*', Condition }
      const text = JSON.stringify({ Statement: [given] })
      assert.throws(() => parsePolicy(text, 'bucket'), PolicyError, name)
    }
  })
})

describe('the work of a policy', () => {
  /** Long enough that the square of it never ends in the time that a test has. */
  const LONG = 1_000_000

  it('grows with its texts, for values that are nearly numbers or dates', {
    timeout: 60_000,
  }, () => {
    for (const name of [
      'NumericEquals',
      'DateEquals',
      'NumericLessThan',
      'DateGreaterThan',
      'Bool',
    ]) {
      const operator = operatorNamed(name)
      for (const long of ['1', '1.', '.1', '1e', ' ', '-', '2026-', '0', '1e1']) {
        const value = `${long.repeat(LONG / long.length)}x`
        operator?.compile([{ text: '1', literal: false }])?.(value)
        operator?.compile([{ text: value, literal: false }])
      }
    }
  })

  it('grows with its texts, for unfinished variables', { timeout: 60_000 }, () => {
    for (const unit of [
      '${',
      '${a',
      '${a,',
      "${a, '",
      '${ ',
      '$',
      '{',
      variable('a '),
      "${a,'b'",
    ]) {
      const template = compileTemplate(unit.repeat(LONG / unit.length), true)
      resolveTemplate(template, new Map())
    }
  })
})
