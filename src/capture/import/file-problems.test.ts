import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFileProblems, PROBLEMS_HELD_MAX, type Problem } from './file-problems.ts'

const setUp = () => {
  const told: (Problem & { readonly records: number })[] = []
  const problems = createFileProblems('f', (problem, records) => told.push({ ...problem, records }))
  const add = (count: number, from = 1): void => {
    for (let record = from; record < from + count; record++) {
      problems.add({ record, offset: record * 10, reason: 'no object begins here' })
    }
  }
  return { told, problems, add }
}

describe('problems of a file', () => {
  it('are one problem where nothing was an event', () => {
    const { told, problems, add } = setUp()
    add(50_000)
    assert.deepEqual(told, [])
    problems.end()
    const reason = 'it is no log file: nothing in it is an event (byte 10: no object begins here)'
    assert.deepEqual(told, [{ file: 'f', reason, records: 1 }])
  })

  it('are told one by one, in order, as soon as something was', () => {
    const { told, problems, add } = setUp()
    add(2)
    problems.isLog()
    add(1, 3)
    problems.end()
    assert.deepEqual(
      told.map(({ record, records }) => [record, records]),
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
    )
  })

  it('count what was too many to be held', () => {
    const { told, problems, add } = setUp()
    add(PROBLEMS_HELD_MAX + 7)
    problems.isLog()
    assert.equal(told.length, PROBLEMS_HELD_MAX)
    assert.equal(told.at(-1)?.records, 8)
    assert.match(told.at(-1)?.reason ?? '', /; 7 more records before the first event/)
  })
})
