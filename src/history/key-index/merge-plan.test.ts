import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { runsToMerge } from './merge-plan.ts'
import { RUN_EVENTS_MAX } from './run.ts'

describe('merge plan', () => {
  it('keeps a day at few runs, none too large, and writes an event a few times', () => {
    const batch = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 8_192 }))
    fc.assert(
      fc.property(fc.array(batch, { minLength: 200, maxLength: 400, size: 'max' }), (batches) => {
        let runs: { events: number; postings: number }[] = []
        let [arrived, written] = [0, 0]
        for (const events of batches) {
          arrived += events
          runs.push({ events, postings: 10 * events })
          for (let old = runsToMerge(runs); old.length > 0; old = runsToMerge(runs)) {
            const sum = old.reduce((all, run) => all + run.events, 0)
            assert.ok(sum <= RUN_EVENTS_MAX && old.length > 1)
            written += sum
            runs = runs.filter((run) => !old.includes(run))
            runs.push({ events: sum, postings: 10 * sum })
          }
        }
        const small = runs.filter(({ events }) => events <= RUN_EVENTS_MAX / 2)
        assert.ok(small.length <= 18, `${small.length} small runs`)
        assert.ok(written <= 7 * arrived, `${written} of ${arrived}`)
      }),
      { numRuns: 30 },
    )
  })

  it('leaves runs whose postings would not fit into one', () => {
    const huge = { events: 5_000, postings: 2_000_000 }
    assert.deepEqual(runsToMerge([huge, { ...huge }, { ...huge }, { ...huge }]), [])
  })
})
