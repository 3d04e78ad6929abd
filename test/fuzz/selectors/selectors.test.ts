/**
 * Selectors that the parser takes, with values cut out of the events, on events as they are
 * recorded: the compiled predicate against a plain reading of the rules.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventCategory } from '../../../src/event/sealed-event.ts'
import { compileSelectors } from '../../../src/event/selectors/compile.ts'
import { FIELD_RULES, TRAIL_CATEGORIES } from '../../../src/event/selectors/fields.ts'
import { SelectorError } from '../../../src/event/selectors/selector-error.ts'
import { parseSelectors, type SelectorsInput } from '../../../src/event/selectors/selectors.ts'
import type { TrailSelectors } from '../../../src/event/selectors/types.ts'
import { runs } from '../runs.ts'
import { advancedSelects, basicSelects, type PlainEvent } from './plain-selectors.ts'

const FOLDER = join(import.meta.dirname, '../../golden/records')

const recorded = globSync('*.json', { cwd: FOLDER })
  .sort()
  .flatMap((file) => {
    const golden = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
      expected: PlainEvent[]
    }
    return golden.expected
  })

const FOREIGN: readonly Partial<PlainEvent>[] = [
  { sessionCredentialFromConsole: 'true' },
  { eventCategory: 'NetworkActivity', vpcEndpointId: 'vpce-1', errorCode: 'VpceAccessDenied' },
  {
    resources: [{ type: 'AWS::S3::Object', ARN: 'arn:aws:s3:::b/k' }, { type: 'AWS::SQS::Queue' }],
  },
  { resources: [{ type: 'AWS::S3::Object', ARNPrefix: 'arn:aws:s3:::b/' }] },
  { resources: [{ type: 'AWS::DynamoDB::Table', ARN: 'arn:aws:dynamodb:eu-west-1:1:table/t' }] },
]

const events: fc.Arbitrary<PlainEvent> = fc
  .tuple(fc.constantFrom(...recorded), fc.option(fc.constantFrom(...FOREIGN), { freq: 2 }))
  .map(([event, more]): PlainEvent => ({ ...event, ...more }))

const textsOf = (field: string): string[] => {
  const all = [...recorded, ...FOREIGN].flatMap((event): (string | undefined)[] => {
    if (field === 'resources.type') return (event.resources ?? []).map(({ type }) => type)
    if (field === 'resources.ARN')
      return (event.resources ?? []).map(({ ARN, ARNPrefix }) => ARN ?? ARNPrefix)
    if (field === 'userIdentity.arn') return [event.userIdentity?.arn]
    const value = event[field as keyof PlainEvent]
    return [value === undefined ? undefined : String(value)]
  })
  return [...new Set(all.filter((text) => text !== undefined))]
}

/** The whole, a beginning, an end, or something near it. */
const cut = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(text) },
    fc.nat(text.length).map((at) => text.slice(0, at)),
    fc.nat(text.length).map((at) => text.slice(at)),
    fc.constantFrom(`${text}x`, text.toUpperCase(), `${text}/`),
  )

const conditionOn = (category: (typeof TRAIL_CATEGORIES)[number], field: string) => {
  const rule = FIELD_RULES[category].get(field)
  const given = [...(rule?.values ?? textsOf(field))]
  const known = given.length > 0 ? given : ['none']
  const value =
    rule?.values === undefined
      ? fc.constantFrom(...known).chain(cut)
      : fc.constantFrom(...known, ...textsOf(field).filter((text) => rule.values?.has(text)))
  const values = fc.uniqueArray(
    value.map((text) => text || 'x'),
    { minLength: 1, maxLength: rule?.single ? 1 : 3 },
  )
  const operators = rule?.operators ?? []
  return fc
    .subarray([...operators], { minLength: 1 })
    .chain((some) => fc.record(Object.fromEntries(some.map((operator) => [operator, values]))))
    .map((conditions) => ({ Field: field, ...conditions }))
}

const advanced = fc.constantFrom(...TRAIL_CATEGORIES).chain((category) => {
  const rules = [...FIELD_RULES[category]]
  const required = rules.filter(([name, rule]) => rule.required && name !== 'eventCategory')
  const optional = rules.filter(([, rule]) => !rule.required)
  return fc
    .subarray(optional)
    .chain((some) =>
      fc.tuple(...[...required, ...some].map(([field]) => conditionOn(category, field))),
    )
    .map((conditions) => ({
      FieldSelectors: [{ Field: 'eventCategory', Equals: [category] }, ...conditions],
    }))
})

const dataResources = fc.constantFrom(
  { Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] },
  { Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::b/'] },
  { Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::demo-bucket/', 'arn:aws:s3:::b/k'] },
  { Type: 'AWS::Lambda::Function', Values: ['arn:aws:lambda'] },
  { Type: 'AWS::DynamoDB::Table', Values: ['arn:aws:dynamodb'] },
)
const basic = fc.record(
  {
    ReadWriteType: fc.constantFrom('All' as const, 'ReadOnly' as const, 'WriteOnly' as const),
    IncludeManagementEvents: fc.boolean(),
    DataResources: fc.array(dataResources, { maxLength: 2 }),
    ExcludeManagementEventSources: fc.subarray(['kms.amazonaws.com', 'rdsdata.amazonaws.com']),
  },
  { requiredKeys: [] },
)

const inputs: fc.Arbitrary<SelectorsInput> = fc.oneof(
  fc.array(basic, { minLength: 1, maxLength: 3 }).map((EventSelectors) => ({ EventSelectors })),
  fc
    .array(advanced, { minLength: 1, maxLength: 3 })
    .map((AdvancedEventSelectors) => ({ AdvancedEventSelectors })),
)

/** Undefined where the parser refuses it: not every combination is legal. */
const parsed = (input: SelectorsInput): TrailSelectors | undefined => {
  try {
    return parseSelectors(input, 'aws')
  } catch (error) {
    assert.ok(error instanceof SelectorError, String(error))
    return undefined
  }
}

const plainly = (selectors: TrailSelectors, event: PlainEvent): boolean =>
  'basic' in selectors
    ? selectors.basic.some((selector) => basicSelects(selector, event))
    : selectors.advanced.some((selector) => advancedSelects(selector, event))

describe('selectors', () => {
  it('select recorded events as a plain reading of the rules does', () => {
    const seen = { taken: 0, selected: 0, passed: 0 }
    fc.assert(
      fc.property(inputs, fc.array(events, { minLength: 1, maxLength: 12 }), (input, some) => {
        const selectors = parsed(input)
        if (selectors === undefined) return
        seen.taken++
        const selects = compileSelectors(selectors)
        for (const event of some) {
          const category = event.eventCategory as EventCategory
          const expected = plainly(selectors, event)
          const record = event as unknown as Readonly<Record<string, unknown>>
          assert.equal(selects(record, { category }), expected)
          seen[expected ? 'selected' : 'passed']++
        }
      }),
      runs(600),
    )
    for (const count of Object.values(seen)) assert.ok(count > 100, JSON.stringify(seen))
  })
})
