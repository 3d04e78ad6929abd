import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { EventCategory } from '../sealed-event.ts'
import { compileSelectors } from './compile.ts'
import { parseSelectors, type SelectorsInput } from './selectors.ts'
import { type Json, slowlySelects } from './testing/slow-selectors.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'cloudtrail')
const SETS = [
  'invictus-ir_aws_dataset',
  'stratus-red-team',
  'panther-analysis',
  'otrf-security-datasets',
]

const INPUTS: readonly SelectorsInput[] = [
  { EventSelectors: [{}] },
  {
    EventSelectors: [
      { ReadWriteType: 'WriteOnly', ExcludeManagementEventSources: ['kms.amazonaws.com'] },
    ],
  },
  {
    EventSelectors: [
      {
        IncludeManagementEvents: false,
        DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }],
      },
    ],
  },
  {
    AdvancedEventSelectors: [
      {
        FieldSelectors: [
          { Field: 'eventCategory', Equals: ['Management'] },
          { Field: 'readOnly', Equals: ['false'] },
        ],
      },
      {
        FieldSelectors: [
          { Field: 'eventCategory', Equals: ['Data'] },
          { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
          { Field: 'eventName', StartsWith: ['Get', 'List'], NotEndsWith: ['Acl'] },
        ],
      },
    ],
  },
]

const readSet = (name: string): Json[] =>
  gunzipSync(readFileSync(join(DATA, name, 'events.ndjson.gz')))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)

const categoryOf = (event: Json): EventCategory =>
  event.eventCategory === 'Data' ? 'Data' : 'Management'

test('real events are selected as the rules say', (t) => {
  if (!existsSync(DATA)) {
    t.skip('SKIPPED: the real CloudTrail events are not beside the checkout')
    return
  }
  const events = SETS.flatMap(readSet)
  assert.ok(events.length > 3_000)
  for (const input of INPUTS) {
    const selectors = parseSelectors(input, 'aws')
    const selects = compileSelectors(selectors)
    let selected = 0
    for (const event of events) {
      const category = categoryOf(event)
      const expected = slowlySelects(selectors, event, category)
      assert.equal(selects(event, { category }), expected, JSON.stringify(event))
      if (expected) selected++
    }
    assert.ok(selected > 0 && selected < events.length, `${selected} of ${events.length}`)
  }
})
