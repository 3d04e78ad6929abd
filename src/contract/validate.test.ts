import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from './fault.ts'
import type { OperationName } from './operation.ts'
import { validateInput } from './validate.ts'

const faultOf = (name: OperationName, json: unknown): Fault => {
  try {
    validateInput(name, json)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new assert.AssertionError({ message: `${name} took ${JSON.stringify(json)}` })
}

test('keeps what the model names and drops unknown members and nulls', () => {
  const json = {
    Name: 'main',
    S3BucketName: 'logs',
    S3KeyPrefix: null,
    Other: { a: 1 },
    TagsList: [{ Key: 'k', Value: '', More: 1 }],
  }
  assert.deepEqual(validateInput('CreateTrail', json), {
    Name: 'main',
    S3BucketName: 'logs',
    TagsList: [{ Key: 'k', Value: '' }],
  })
})

test('a prototype is no member', () => {
  const json: unknown = JSON.parse('{"__proto__":{"Name":"x"},"constructor":1}')
  assert.equal(faultOf('GetTrail', json).code, 'ValidationException')
  const map: unknown = JSON.parse('{"QueryStatement":"q","QueryParameters":[],"__proto__":[]}')
  assert.equal(faultOf('StartQuery', map).code, 'InvalidParameterException')
})

test('wrong JSON types are SerializationException', () => {
  const cases: [OperationName, unknown, string][] = [
    ['GetTrail', { Name: 1 }, 'NUMBER_VALUE can not be converted to a String'],
    ['GetTrail', { Name: ['a'] }, 'START_ARRAY can not be converted to a String'],
    [
      'CreateTrail',
      { IsMultiRegionTrail: 'true' },
      'STRING_VALUE can not be converted to a Boolean',
    ],
    ['LookupEvents', { MaxResults: 1.5 }, 'NUMBER_VALUE can not be converted to an Integer'],
    [
      'LookupEvents',
      { StartTime: '2026-03-02' },
      'STRING_VALUE can not be converted to a Timestamp',
    ],
    ['LookupEvents', { StartTime: 1e300 }, '1e+300 is no valid Timestamp'],
    ['ListTags', { ResourceIdList: 'a' }, 'STRING_VALUE can not be converted to a list'],
    ['AddTags', { TagsList: [[]] }, 'START_ARRAY can not be converted to a structure'],
    ['GetTrail', [], 'START_ARRAY can not be converted to a structure'],
  ]
  for (const [name, json, message] of cases) {
    const fault = faultOf(name, json)
    assert.deepEqual([fault.code, fault.message], ['SerializationException', message])
  }
})

test('constraints answer the fault of their member', () => {
  const tags = Array.from({ length: 201 }, (_, index) => ({ Key: `k${index}` }))
  const cases: [OperationName, unknown, string, RegExp][] = [
    [
      'AddTags',
      { ResourceId: 'a', TagsList: tags },
      'InvalidTagParameterException',
      /less than or equal to 200$/,
    ],
    [
      'AddTags',
      { ResourceId: 'a', TagsList: [{}] },
      'InvalidTagParameterException',
      /^1 validation error detected: Value null at 'tagsList\.1\.member\.key'/,
    ],
    ['AddTags', { TagsList: [] }, 'ValidationException', /Value null at 'resourceId'/],
    [
      'AddTags',
      { ResourceId: 'a', TagsList: [null] },
      'InvalidTagParameterException',
      /Value null at 'tagsList\.1\.member'/,
    ],
    ['LookupEvents', { MaxResults: 0 }, 'InvalidMaxResultsException', /Value '0' at 'maxResults'/],
    [
      'LookupEvents',
      { LookupAttributes: [{ AttributeKey: 'x', AttributeValue: 'v' }] },
      'InvalidLookupAttributesException',
      /enum value set: \[EventId, /,
    ],
    ['CancelQuery', { QueryId: 'x' }, 'InvalidParameterException', /greater than or equal to 36$/],
    [
      'CancelQuery',
      { QueryId: 'X'.repeat(36) },
      'InvalidParameterException',
      /regular expression pattern: \^\[a-f0-9\\-\]\+\$$/,
    ],
    ['DeleteDashboard', { DashboardId: '*' }, 'ValidationException', /pattern/],
  ]
  for (const [name, json, code, message] of cases) {
    const fault = faultOf(name, json)
    assert.equal(fault.code, code, `${name} ${fault.message}`)
    assert.match(fault.message, message)
  }
})

test('a pattern matches the whole value, and lengths count characters', () => {
  const query = (QueryStatement: string) => validateInput('StartQuery', { QueryStatement })
  assert.equal(query('SELECT 1\nFROM a').QueryStatement, 'SELECT 1\nFROM a')
  assert.equal(query('😀'.repeat(10_000)).QueryStatement?.length, 20_000)
  assert.equal(
    faultOf('StartQuery', { QueryStatement: '😀'.repeat(10_001) }).code,
    'InvalidParameterException',
  )
  assert.equal(faultOf('CancelQuery', { QueryId: `${'a'.repeat(36)}\n` }).status, 400)
})

test('at most ten problems and a bounded message', () => {
  const ResourceIdList = 'x'.repeat(100_000)
  const selectors = Array.from({ length: 50 }, () => ({ ReadWriteType: ResourceIdList }))
  const fault = faultOf('PutEventSelectors', { TrailName: 'main', EventSelectors: selectors })
  assert.match(fault.message, /^10 validation errors detected: /)
  assert.ok(fault.message.length < 10_000)
})

test('any JSON is taken or refused with a fault of the client', () => {
  const names: OperationName[] = ['CreateTrail', 'PutEventSelectors', 'LookupEvents', 'StartQuery']
  const member = fc.constantFrom(
    'Name',
    'TrailName',
    'EventSelectors',
    'DataResources',
    'Values',
    'QueryParameters',
    'LookupAttributes',
    'StartTime',
    'TagsList',
    'FieldSelectors',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.dictionary(member, tie('value')),
      fc.array(tie('value')),
    ),
  }))
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, json) => {
      try {
        const input = validateInput(name, json)
        // What was taken is taken again as it is.
        assert.deepEqual(validateInput(name, input), input)
      } catch (error) {
        assert.ok(error instanceof Fault)
        assert.equal(error.status, 400)
      }
    }),
    { numRuns: 500 },
  )
})

test('refuses lists that are too long to be quoted', () => {
  const depth = 300_000
  const tags = Array.from({ length: 500 }, () => '{"Key":"a"},').join('')
  const json = JSON.parse(
    `{"ResourceId":"x","TagsList":[${tags}${'['.repeat(depth)}${']'.repeat(depth)}]}`,
  )
  assert.notEqual(faultOf('AddTags', json).code, 'InternalFailure')
})
