/** The CloudTrail API: JSON, look-ups, names, selectors and tags that nobody honest sends. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTarget, TARGET_PREFIX, type Target } from './support.ts'

let target: Target
before(async () => {
  target = await startTarget(['--trails-bucket-policy', 'off'])
  assert.equal((await target.send({ method: 'PUT', path: '/trail-bucket' })).status, 200)
  const { status } = await target.trail('CreateTrail', {
    Name: 'main',
    S3BucketName: 'trail-bucket',
  })
  assert.equal(status, 200)
})
after(() => target.stop())

const JSON_FAULT = 'SerializationException'
type Row = readonly [name: string, input: unknown, code: string]

const check = async (operation: string, rows: readonly Row[]): Promise<void> => {
  for (const [name, input, code] of rows) {
    const answer = await target.trail(operation, input)
    assert.equal(answer.code, code, `${operation}, ${name}: ${answer.body.slice(0, 300)}`)
    assert.equal(answer.status, code === '' ? 200 : 400, `${operation}, ${name}`)
  }
  await target.stillAnswers(operation)
}

describe('JSON', () => {
  it('is an object in UTF-8', () =>
    check('ListTrails', [
      ['nothing', '', ''],
      ['an array', '[]', JSON_FAULT],
      ['a text', '"x"', JSON_FAULT],
      ['null', 'null', JSON_FAULT],
      ['cut off', '{', JSON_FAULT],
      ['with more behind', '{}x', JSON_FAULT],
      ['a byte order mark', Buffer.from('\ufeff{}'), JSON_FAULT],
      ['no UTF-8', Buffer.from('{"\xff":1}', 'latin1'), JSON_FAULT],
      ['UTF-16', Buffer.from('{}', 'utf16le'), JSON_FAULT],
      ['two million brackets', '['.repeat(2_000_000), JSON_FAULT],
      ['500,000 levels', `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`, ''],
      [
        '300,000 members',
        `{${Array.from({ length: 300_000 }, (_, n) => `"k${n}":1`).join(',')}}`,
        '',
      ],
      ['__proto__', '{"__proto__":{"NextToken":"x"}}', ''],
    ]))

  it('is refused where it is too large', async () => {
    const answer = await target.trail('ListTrails', `{"x":"${'y'.repeat(5_300_000)}"}`)
    assert.deepEqual([answer.status, answer.code], [413, 'RequestEntityTooLargeException'])
    await target.stillAnswers('a large body')
  })

  it('names an operation of CloudTrail', async () => {
    for (const name of [
      'X'.repeat(50_000),
      '__proto__',
      'constructor',
      '',
      'a\tb',
      'ListTrails.x',
    ]) {
      const answer = await target.trail(name, {})
      assert.deepEqual([answer.status, answer.code], [404, 'UnknownOperationException'], name)
    }
    const headers = { 'x-amz-target': `${TARGET_PREFIX}ListTrails` }
    const get = await target.send({ service: 'cloudtrail', headers })
    assert.equal(get.code, 'UnknownOperationException')
    await target.stillAnswers('targets')
  })
})

describe('LookupEvents', () => {
  const attribute = (AttributeKey: unknown, AttributeValue: unknown) => ({
    LookupAttributes: [{ AttributeKey, AttributeValue }],
  })
  it('checks its input', () =>
    check('LookupEvents', [
      ['MaxResults 0', { MaxResults: 0 }, 'InvalidMaxResultsException'],
      ['MaxResults -1', { MaxResults: -1 }, 'InvalidMaxResultsException'],
      ['MaxResults 1e9', { MaxResults: 1e9 }, 'InvalidMaxResultsException'],
      ['MaxResults 1e400', '{"MaxResults":1e400}', JSON_FAULT],
      ['MaxResults 1.5', { MaxResults: 1.5 }, JSON_FAULT],
      ['MaxResults "5"', { MaxResults: '5' }, JSON_FAULT],
      ['MaxResults of a million digits', `{"MaxResults":${'9'.repeat(1_000_000)}}`, JSON_FAULT],
      ['a time as text', { StartTime: '2020-01-01' }, JSON_FAULT],
      ['NaN', '{"StartTime":NaN}', JSON_FAULT],
      ['a time as an object', { EndTime: {} }, JSON_FAULT],
      ['1e300', { StartTime: 1e300 }, JSON_FAULT],
      ['before the epoch', { StartTime: -1e12, EndTime: -1e11 }, ''],
      ['the year 9999', { EndTime: 253_402_300_800 }, ''],
      ['backwards', { StartTime: 2, EndTime: 1 }, 'InvalidTimeRangeException'],
      ['a token that is none', { NextToken: 'x' }, 'InvalidNextTokenException'],
      ['a token of 3 MB', { NextToken: 'A'.repeat(3_000_000) }, 'InvalidNextTokenException'],
      ['a token of odd text', { NextToken: '\ud83d\ude00\0' }, 'InvalidNextTokenException'],
      ['no category', { EventCategory: 'management' }, 'InvalidEventCategoryException'],
      ['__proto__', attribute('__proto__', 'x'), 'InvalidLookupAttributesException'],
      ['constructor', attribute('constructor', 'x'), 'InvalidLookupAttributesException'],
      ['SQL', attribute('EventName', "' OR 1=1 --"), ''],
      ['lone surrogates', attribute('EventName', '\ud800'.repeat(2_000)), ''],
      ['a null', { LookupAttributes: [null] }, 'InvalidLookupAttributesException'],
    ]))

  it('takes its own tokens only, as they were', async () => {
    for (let index = 0; index < 12; index++) await target.trail('GetTrail', { Name: 'main' })
    await target.server.flush()
    const input = { MaxResults: 5, ...attribute('EventName', 'GetTrail') }
    const NextToken: string = JSON.parse((await target.trail('LookupEvents', input)).body).NextToken
    const rows: Row[] = [['as given', { ...input, NextToken }, '']]
    for (let at = 0; at < NextToken.length - 2; at += 16) {
      const other = NextToken[at] === 'A' ? 'B' : 'A'
      const tampered = NextToken.slice(0, at) + other + NextToken.slice(at + 1)
      rows.push([`byte ${at}`, { ...input, NextToken: tampered }, 'InvalidNextTokenException'])
    }
    rows.push([
      'other parameters',
      { ...input, MaxResults: 6, NextToken },
      'InvalidNextTokenException',
    ])
    await check('LookupEvents', rows)
    const elsewhere = await target.trail(
      'LookupEvents',
      { ...input, NextToken },
      { region: 'eu-west-1' },
    )
    assert.equal(elsewhere.code, 'InvalidNextTokenException')
  })
})

describe('trails', () => {
  const named = (Name: unknown) => ({ Name, S3BucketName: 'trail-bucket' })
  it('have names', () =>
    check('CreateTrail', [
      ['a path', named('../../x'), 'InvalidTrailNameException'],
      ['escapes', named('a\n\u001b[31m'), 'InvalidTrailNameException'],
      ['bidirectional text', named('tr\u00e4il\u202e'), 'InvalidTrailNameException'],
      ['__proto__', named('__proto__'), 'InvalidTrailNameException'],
      ['a megabyte', named('x'.repeat(1_000_000)), 'InvalidTrailNameException'],
      ['an object', named({ a: 1 }), JSON_FAULT],
      ['a bucket of NUL', { Name: 'abc', S3BucketName: 'a\0b' }, 'InvalidS3BucketNameException'],
      ['a bucket of dots', { Name: 'abc', S3BucketName: '../..' }, 'InvalidS3BucketNameException'],
      ['a prefix of dots', { ...named('abc'), S3KeyPrefix: '../../' }, 'InvalidS3PrefixException'],
      [
        '20,000 tags',
        { ...named('abc'), TagsList: Array.from({ length: 20_000 }, (_, n) => ({ Key: `k${n}` })) },
        'InvalidTagParameterException',
      ],
    ]))

  it('are five in a region', async () => {
    for (let index = 0; index < 4; index++) {
      assert.equal((await target.trail('CreateTrail', named(`flood-${index}`))).status, 200)
    }
    await check('CreateTrail', [
      ['the sixth', named('sixth'), 'MaximumNumberOfTrailsExceededException'],
    ])
  })

  it('are found by their own ARN', () =>
    check('GetTrailStatus', [
      [
        'a path',
        { Name: 'arn:aws:cloudtrail:us-east-1:123456789012:trail/../x' },
        'InvalidTrailNameException',
      ],
      [
        'a region of dots',
        { Name: 'arn:aws:cloudtrail:..:123456789012:trail/main' },
        'CloudTrailARNInvalidException',
      ],
      [
        'another account',
        { Name: 'arn:aws:cloudtrail:us-east-1:999999999999:trail/main' },
        'TrailNotFoundException',
      ],
      [
        'another service',
        { Name: 'arn:aws:iam::123456789012:root' },
        'CloudTrailARNInvalidException',
      ],
      ['colons', { Name: `arn:${':'.repeat(10_000)}` }, 'CloudTrailARNInvalidException'],
      ['constructor', { Name: 'constructor' }, 'TrailNotFoundException'],
    ]))

  it('have selectors of a bounded size', () => {
    const advanced = (more: object, Name?: string) => ({
      TrailName: 'main',
      AdvancedEventSelectors: [
        {
          ...(Name !== undefined && { Name }),
          FieldSelectors: [
            { Field: 'eventCategory', Equals: ['Data'] },
            { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
            more,
          ],
        },
      ],
    })
    const arns = (count: number) => Array.from({ length: count }, (_, n) => `arn:aws:s3:::b${n}/`)
    const wrong = 'InvalidEventSelectorsException'
    return check('PutEventSelectors', [
      ['10,000 values', advanced({ Field: 'resources.ARN', StartsWith: arns(10_000) }), wrong],
      ['480 values', advanced({ Field: 'resources.ARN', StartsWith: arns(480) }), ''],
      [
        'expressions, as text',
        advanced({ Field: 'resources.ARN', StartsWith: ['(a+)+$', '.*', '\\', '['] }),
        '',
      ],
      ['a long value', advanced({ Field: 'eventName', Equals: ['x'.repeat(100_000)] }), wrong],
      ['no value', advanced({ Field: 'eventName', Equals: [] }), wrong],
      ['__proto__', advanced({ Field: '__proto__', Equals: ['x'] }), wrong],
      ['constructor', advanced({ Field: 'constructor', Equals: ['x'] }), wrong],
      ['escapes', advanced({ Field: 'eventName', Equals: ['x'] }, '\u001b[31m\n'), wrong],
      ['nothing', { TrailName: 'main' }, wrong],
      [
        '10,000 basic values',
        {
          TrailName: 'main',
          EventSelectors: [{ DataResources: [{ Type: 'AWS::S3::Object', Values: arns(10_000) }] }],
        },
        wrong,
      ],
    ])
  })

  it('have tags of a bounded size', () => {
    const tags = (TagsList: unknown) => ({
      ResourceId: 'arn:aws:cloudtrail:us-east-1:123456789012:trail/main',
      TagsList,
    })
    const deep = `${'['.repeat(300_000)}${']'.repeat(300_000)}`
    return check('AddTags', [
      [
        '51',
        tags(Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}` }))),
        'TagsLimitExceededException',
      ],
      ['long', tags([{ Key: 'k'.repeat(100_000) }]), 'InvalidTagParameterException'],
      ['escapes', tags([{ Key: '\u001b[31m\u202e' }]), 'InvalidTagParameterException'],
      ['twice', tags([{ Key: 'a' }, { Key: 'a' }]), 'InvalidTagParameterException'],
      ['__proto__', tags([{ Key: '__proto__', Value: 'v' }]), ''],
      [
        'too deep to be quoted',
        `{"ResourceId":"x","TagsList":[${'{"Key":"a"},'.repeat(500)}${deep}]}`,
        'InvalidTagParameterException',
      ],
    ])
  })
})
