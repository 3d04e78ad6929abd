import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createNotice } from './logger.ts'

it('a notice is given at once, then with all that came meanwhile', () => {
  let now = 0
  const told: [Readonly<Record<string, number>>, string][] = []
  const notice = createNotice<string>({ monotonic: () => now }, 1_000, (...each) => {
    told.push(each)
  })
  notice('full', 'first')
  for (now = 1; now < 1_000; now++) notice(now % 3 === 0 ? 'closed' : 'full', `call ${now}`)
  assert.deepEqual(told, [[{ full: 1 }, 'first']])
  notice('full', 'last')
  assert.deepEqual(told.slice(1), [[{ full: 667, closed: 333 }, 'last']])
})
