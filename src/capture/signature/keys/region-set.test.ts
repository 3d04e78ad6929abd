import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRegionSet, regionOfSet } from './region-set.ts'

test('a region set is a list of names and patterns', () => {
  assert.deepEqual(parseRegionSet('*'), ['*'])
  assert.deepEqual(parseRegionSet('us-west-2, eu-*'), ['us-west-2', 'eu-*'])
  for (const wrong of ['', ',', 'us-west-2,', 'a/b', 'a..b', 'é', 'x'.repeat(65)]) {
    assert.equal(parseRegionSet(wrong), undefined, wrong)
  }
  assert.equal(parseRegionSet(Array.from({ length: 65 }, () => 'a').join(',')), undefined)
})

test('a call is recorded where it was received, or in the first region that its set names', () => {
  assert.equal(regionOfSet(['*'], 'eu-west-1'), 'eu-west-1')
  assert.equal(regionOfSet(['us-east-1', 'eu-west-*'], 'eu-west-1'), 'eu-west-1')
  assert.equal(regionOfSet(['us-*', 'us-east-1', 'us-west-2'], 'eu-west-1'), 'us-east-1')
  assert.equal(regionOfSet(['us-*'], 'eu-west-1'), 'eu-west-1')
})
