import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { eventOf, NOW } from '../../test/contracts/history.ts'
import { parseRecord } from '../history/json.ts'
import { type EventFilter, filterOf, matches, parseMoment, withFilters } from './event-filter.ts'

const parse = (...flags: string[]): EventFilter => {
  const command = withFilters(new Command().exitOverride(), () => NOW)
  command.configureOutput({ writeErr: () => {} })
  return filterOf(command.parse(flags, { from: 'user' }).opts())
}

describe('event filter', () => {
  it('reads times as ISO, days and durations', () => {
    const cases: [string, string][] = [
      ['1h', '2026-03-10T11:00:00.000Z'],
      ['2d', '2026-03-08T12:00:00.000Z'],
      ['90s', '2026-03-10T11:58:30.000Z'],
      ['2026-03-02', '2026-03-02T00:00:00.000Z'],
      ['2026-03-02T08:14', '2026-03-02T08:14:00.000Z'],
      ['2026-03-02 08:14:07', '2026-03-02T08:14:07.000Z'],
      ['2026-03-02T08:14:07.5Z', '2026-03-02T08:14:07.500Z'],
      ['2026-03-02T08:14:07+02:00', '2026-03-02T06:14:07.000Z'],
    ]
    for (const [text, iso] of cases) {
      assert.equal(new Date(parseMoment(text, NOW)).toISOString(), iso, text)
    }
    for (const text of ['', 'yesterday', '1', '2026-3-2', '2026-13-01', '12:00', '-1h']) {
      assert.throws(() => parseMoment(text, NOW), /Give a time/, text)
    }
  })

  it('collects any combination of flags', () => {
    const filter = parse(
      ...['--account', '1', '--region', 'r', '--event-name', 'n', '--event-source', 's3'],
      ...['--user', 'u', '--access-key', 'k', '--event-id', 'i', '--read-only', 'false'],
      ...['--resource-name', 'rn', '--resource-type', 'rt', '--error', '--ip', '::1'],
      ...['--text', 't', '--since', '1h', '--until', '2026-03-10'],
    )
    assert.deepEqual(filter, {
      ...{ account: '1', region: 'r', error: true, ip: '::1', text: 't' },
      attributes: [
        { key: 'EventName', value: 'n' },
        { key: 'EventSource', value: 's3.amazonaws.com' },
        { key: 'Username', value: 'u' },
        { key: 'AccessKeyId', value: 'k' },
        { key: 'EventId', value: 'i' },
        { key: 'ResourceName', value: 'rn' },
        { key: 'ResourceType', value: 'rt' },
        { key: 'ReadOnly', value: 'false' },
      ],
      ...{ from: NOW - 3_600_000, to: Date.parse('2026-03-10T00:00:00Z') },
    })
    assert.deepEqual(parse(), { attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER })
    assert.equal(parse('--error', 'AccessDenied').error, 'AccessDenied')
  })

  it('refuses what it does not know and names the nearest flag', () => {
    assert.throws(() => parse('--event-nam', 'x'), /Did you mean --event-name\?/)
    assert.throws(() => parse('--read-only', 'yes'), /Give true or false/)
  })

  it('decides on an event', () => {
    const event = eventOf({ id: 'e', time: NOW, bucket: 'b', note: 'needle' })
    const failed = {
      ...event,
      text: Buffer.from(
        event.text.toString().replace('{', '{"errorCode":"AccessDenied","sourceIPAddress":"::1",'),
      ),
    }
    const cases: [string[], boolean, boolean][] = [
      [[], true, true],
      [['--error'], false, true],
      [['--error', 'AccessDenied'], false, true],
      [['--error', 'NoSuchBucket'], false, false],
      [['--ip', '::1'], false, true],
      [['--text', 'needle'], true, true],
      [['--text', 'haystack'], false, false],
      [['--account', '111122223333', '--region', 'us-east-1'], true, true],
      [['--account', '222222222222'], false, false],
      [['--region', 'eu-west-1'], false, false],
      [['--user', 'alice', '--resource-name', 'b'], true, true],
      [['--user', 'alice', '--resource-name', 'c'], false, false],
      [['--since', '1s'], true, true],
      [['--until', '1s'], false, false],
    ]
    for (const [flags, first, second] of cases) {
      const results = [event, failed].map((each) =>
        matches(parse(...flags), each, parseRecord(each.text) ?? {}),
      )
      assert.deepEqual(results, [first, second], flags.join(' '))
    }
  })
})
