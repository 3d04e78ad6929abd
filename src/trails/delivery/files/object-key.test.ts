import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileScope, folderOf, logFileKey, nameTime, slotOf, uniquePart } from './object-key.ts'

const MINUTE = 60_000
const scope: FileScope = {
  trailArn: 'arn:aws:cloudtrail:eu-west-1:210000000001:trail/main',
  account: '210000000001',
  region: 'eu-west-1',
  folder: 'CloudTrail',
  shard: 0,
  first: { sequence: 4, index: 1 },
  last: { sequence: 9, index: 0 },
}

describe('keys of log files', () => {
  it('round the minute up to five, as AWS does', () => {
    const at = (minute: number, second: number) => Date.UTC(2026, 2, 2, 17, minute, second)
    const named = (now: number, interval: number) =>
      new Date(nameTime(slotOf(now, interval), interval)).toISOString().slice(11, 19)
    assert.equal(named(at(24, 13), 5 * MINUTE), '17:25:00')
    assert.equal(named(at(25, 0), 5 * MINUTE), '17:30:00')
    assert.equal(named(at(59, 59), 5 * MINUTE), '18:00:00')
    assert.equal(named(at(21, 30), MINUTE), '17:25:00')
    assert.equal(named(at(24, 59), 1000), '17:25:00')
    assert.equal(named(at(20, 0), 7 * MINUTE), '17:25:00')
  })

  it('have the layout that importers parse', () => {
    const key = logFileKey('a/b', scope, Date.UTC(2026, 0, 9, 0, 5), 'KL5e9VCV2SS7IqzB')
    assert.equal(
      key,
      'a/b/AWSLogs/210000000001/CloudTrail/eu-west-1/2026/01/09/210000000001_CloudTrail_eu-west-1_20260109T0005Z_KL5e9VCV2SS7IqzB.json.gz',
    )
    // The pattern of AWS's own processing library (reference/formats.md §3.1).
    assert.match(key, /.+_CloudTrail_[\w-]+_\d{8}T\d{4}Z_[\w]+\.json\.gz$/)
    assert.ok(logFileKey(undefined, scope, 0, 'x').startsWith('AWSLogs/'))
    assert.ok(logFileKey('', scope, 0, 'x').startsWith('AWSLogs/'))
  })

  it('end in a part that only the same range has', () => {
    const unique = uniquePart(scope)
    assert.match(unique, /^[0-9A-Za-z]{16}$/)
    assert.equal(uniquePart({ ...scope }), unique)
    const others: Partial<FileScope>[] = [
      { trailArn: `${scope.trailArn}2` },
      { region: 'eu-west-2' },
      { folder: 'CloudTrail-Insight' },
      { shard: 1 },
      { first: { sequence: 4, index: 2 } },
      { last: { sequence: 9, index: 1 } },
    ]
    const all = new Set(others.map((other) => uniquePart({ ...scope, ...other })))
    assert.equal(all.size, others.length)
    assert.ok(!all.has(unique))
  })

  it('lie in the folder of the category', () => {
    assert.equal(folderOf('Data'), 'CloudTrail')
    assert.equal(folderOf('NetworkActivity'), 'CloudTrail-NetworkActivity')
    assert.equal(folderOf('Aggregated'), 'CloudTrail-Aggregated')
  })
})
