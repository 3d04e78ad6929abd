import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileSelectors } from '../event/selectors/compile.ts'
import { DEFAULT_SELECTORS } from '../event/selectors/selectors.ts'
import type { TrailSelectors } from '../event/selectors/types.ts'
import { createTakesImported } from './import-access.ts'
import { sampleTrail } from './testing/trail-samples.ts'
import type { Trail } from './trail.ts'

const WRITES: TrailSelectors = {
  basic: [
    {
      ...{ ReadWriteType: 'WriteOnly', IncludeManagementEvents: true },
      ...{ DataResources: [], ExcludeManagementEventSources: [] },
    },
  ],
}

const eventOf = (
  record: object,
  region = 'us-east-1',
  category: 'Management' | 'Data' = 'Management',
) => ({
  ...{ region, category, text: Buffer.from(JSON.stringify(record)) },
})

const takes = (changes: Partial<Trail>, event: ReturnType<typeof eventOf>): boolean => {
  const trail = sampleTrail({ selectors: DEFAULT_SELECTORS, ...changes })
  return createTakesImported(trail, compileSelectors(trail.selectors))(event)
}

describe('what a trail takes of an import', () => {
  it('is of its region, or of every one', () => {
    assert.equal(takes({}, eventOf({})), true)
    assert.equal(takes({}, eventOf({}, 'eu-west-1')), false)
    assert.equal(takes({ isMultiRegionTrail: true }, eventOf({}, 'eu-west-1')), true)
  })

  it('is what its selectors select', () => {
    assert.equal(takes({}, eventOf({}, 'us-east-1', 'Data')), false)
    assert.equal(takes({ selectors: WRITES }, eventOf({ readOnly: false })), true)
    assert.equal(takes({ selectors: WRITES }, eventOf({ readOnly: true })), false)
  })

  it('leaves global services out where it is told so', () => {
    const iam = eventOf({ eventSource: 'iam.amazonaws.com' })
    assert.equal(takes({}, iam), true)
    assert.equal(takes({ includeGlobalServiceEvents: false }, iam), false)
    const ec2 = eventOf({ eventSource: 'ec2.amazonaws.com' })
    assert.equal(takes({ includeGlobalServiceEvents: false }, ec2), true)
  })
})
