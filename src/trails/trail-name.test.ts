import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bucketNameProblem,
  keyPrefixProblem,
  normalisePrefix,
  parseCloudTrailArn,
  trailArn,
  trailNameProblem,
} from './trail-name.ts'

test('trail names', () => {
  for (const name of ['abc', 'A-b_c.9', 'a'.repeat(128), '1.2.3']) {
    assert.equal(trailNameProblem(name), undefined, name)
  }
  // The literal messages are in test/golden/wire/trail-names.json.
  for (const name of ['', 'ab', 'a..b', 'a-_b', '192.168.1.1', 'abc\n', 'ábc', 'abc/d']) {
    assert.notEqual(trailNameProblem(name), undefined, name)
  }
})

test('bucket names', () => {
  for (const name of ['abc', 'my-bucket.logs', '1bucket', 'a'.repeat(63)]) {
    assert.equal(bucketNameProblem(name), undefined, name)
  }
  for (const name of [
    '',
    'ab',
    'a'.repeat(64),
    'Abc',
    'a_b_c',
    '-abc',
    'abc-',
    'a..b',
    'a.-b',
    'a-.b',
    '10.0.0.1',
    'ab\nc',
  ]) {
    assert.notEqual(bucketNameProblem(name), undefined, name)
  }
})

test('prefixes stay below themselves', () => {
  for (const prefix of ['a', 'a/b', 'logs-2026/us east', 'a'.repeat(200)]) {
    assert.equal(keyPrefixProblem(prefix), undefined, prefix)
  }
  for (const prefix of [
    '/a',
    'a//b',
    '../a',
    'a/..',
    'a/./b',
    'a\\b',
    'a\u0000',
    'a'.repeat(201),
  ]) {
    assert.notEqual(keyPrefixProblem(prefix), undefined, prefix)
  }
  assert.equal(normalisePrefix('a/b/'), 'a/b')
  assert.equal(normalisePrefix('a/b'), 'a/b')
})

test('an ARN made of a place is read as the place', () => {
  const place = fc.record({
    partition: fc.constantFrom('aws', 'aws-cn', 'aws-us-gov'),
    region: fc.constantFrom('us-east-1', 'cn-north-1'),
    account: fc.constant('123456789012'),
  })
  fc.assert(
    fc.property(place, fc.stringMatching(/^[A-Za-z0-9._-]{3,20}$/), (where, name) => {
      const parsed = parseCloudTrailArn(trailArn(where, name))
      assert.deepEqual(parsed, { ...where, type: 'trail', id: name })
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(parseCloudTrailArn(text)?.type, undefined)
    }),
  )
})
