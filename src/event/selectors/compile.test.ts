/** The compiled predicate against a slow evaluator that spells the rules out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EventCategory } from '../sealed-event.ts'
import { compileSelectors } from './compile.ts'
import { FIELD_RULES } from './fields.ts'
import { DEFAULT_SELECTORS, isDefaultSelectors, parseSelectors } from './selectors.ts'
import { type Json, slowlySelects } from './testing/slow-selectors.ts'
import { type EventSelector, OPERATORS, type TrailSelectors } from './types.ts'

// Few words, so that they meet.
const S3 = [
  'arn:aws:s3:::b/',
  'arn:aws:s3:::b/k',
  'arn:aws:s3:::b2/k',
  'arn:aws:s3',
  'arn:aws:s3:::',
]
const LAMBDA = ['f', 'f2'].map((name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`)
const words = fc.constantFrom(
  'GetObject',
  'Get',
  'PutObject',
  'Object',
  ...S3,
  ...LAMBDA,
  'true',
  'false',
  'kms.amazonaws.com',
  'AWS::S3::Object',
  'AWS::Lambda::Function',
  'VpceAccessDenied',
)
const junk = fc.oneof(words, fc.jsonValue({ maxDepth: 1 }), fc.boolean())
const category = fc.constantFrom<EventCategory>('Management', 'Data', 'NetworkActivity', 'Insight')

const event: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      {
        eventName: junk,
        eventSource: junk,
        eventType: junk,
        errorCode: junk,
        readOnly: junk,
        vpcEndpointId: junk,
        sessionCredentialFromConsole: junk,
        requestParameters: fc.constant(null),
        userIdentity: fc.oneof(fc.record({ arn: junk }, { requiredKeys: [] }), junk),
        resources: fc.oneof(
          fc.array(
            fc.oneof(
              fc.record({ type: words, ARN: words, ARNPrefix: words }, { requiredKeys: [] }),
              fc.record({
                type: fc.constantFrom('AWS::S3::Object', 'AWS::Lambda::Function'),
                ARN: fc.constantFrom(...S3, ...LAMBDA),
              }),
              junk,
            ),
            { maxLength: 3 },
          ),
          junk,
        ),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.dictionary(fc.string(), fc.jsonValue()) },
)

const values = fc.array(words, { minLength: 1, maxLength: 3 })
const conditions = fc.record(Object.fromEntries(OPERATORS.map((operator) => [operator, values])), {
  requiredKeys: [],
})
const fields = [...new Set(Object.values(FIELD_RULES).flatMap((rules) => [...rules.keys()]))]

/** Also selectors that the parser refuses: the evaluation must not depend on them being legal. */
const advanced = fc.array(
  fc.record({
    FieldSelectors: fc.array(
      fc
        .tuple(fc.constantFrom(...fields), conditions)
        .map(([Field, given]) => ({ Field, ...given })),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { minLength: 1, maxLength: 2 },
)

const dataResource = fc.oneof(
  fc.record({
    Type: fc.constant('AWS::S3::Object'),
    Values: fc.array(fc.constantFrom(...S3), { maxLength: 2 }),
  }),
  fc.record({
    Type: fc.constant('AWS::Lambda::Function'),
    Values: fc.array(fc.constantFrom(...LAMBDA, 'arn:aws:lambda'), { maxLength: 2 }),
  }),
)

const basic = fc.array(
  fc.record({
    ReadWriteType: fc.constantFrom<EventSelector['ReadWriteType']>('All', 'ReadOnly', 'WriteOnly'),
    IncludeManagementEvents: fc.boolean(),
    DataResources: fc.array(dataResource, { maxLength: 2 }),
    ExcludeManagementEventSources: fc.subarray(['kms.amazonaws.com', 'rdsdata.amazonaws.com']),
  }),
  { minLength: 1, maxLength: 2 },
)

const selectors: fc.Arbitrary<TrailSelectors> = fc.oneof(
  basic.map((list) => ({ basic: list })),
  advanced.map((list) => ({ advanced: list })),
)

test('the compiled predicate agrees with the slow one on any JSON', () => {
  let selected = 0
  let decided = 0
  fc.assert(
    fc.property(
      selectors,
      fc.array(event, { minLength: 1, maxLength: 5 }),
      category,
      (given, events, of) => {
        const selects = compileSelectors(given)
        for (const one of events) {
          const expected = slowlySelects(given, one, of)
          if (expected) selected++
          assert.equal(selects(one, { category: of }), expected)
          const known = selects.always(of)
          if (known !== undefined) decided++
          assert.equal(known ?? expected, expected)
        }
      },
    ),
    { numRuns: 2_000 },
  )
  assert.ok(selected > 100, `only ${selected} events were selected: the generator misses the rules`)
  assert.ok(decided > 100, `${decided} events were decided by their category alone`)
  assert.equal(compileSelectors(DEFAULT_SELECTORS).always('Management'), true)
  assert.equal(compileSelectors(DEFAULT_SELECTORS).always('Data'), false)
})

test('the defaults are what a client gets for an empty selector', () => {
  assert.ok(isDefaultSelectors(parseSelectors({ EventSelectors: [{}] }, 'aws')))
  assert.ok(
    !isDefaultSelectors(parseSelectors({ EventSelectors: [{ ReadWriteType: 'ReadOnly' }] }, 'aws')),
  )
  assert.ok(compileSelectors(DEFAULT_SELECTORS)({}, { category: 'Management' }))
})

test('the values of another partition are refused', () => {
  const input = (value: string) => ({
    EventSelectors: [{ DataResources: [{ Type: 'AWS::S3::Object', Values: [value] }] }],
  })
  assert.ok('basic' in parseSelectors(input('arn:aws-cn:s3:::b/'), 'aws-cn'))
  assert.throws(() => parseSelectors(input('arn:aws:s3:::b/'), 'aws-cn'), /is invalid\.$/)
})
