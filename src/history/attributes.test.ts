import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attributePairs, hasAttribute, lookupAttributesOf } from './attributes.ts'
import { parseEventTime } from './event-time.ts'
import { type JsonObject, parseRecord } from './json.ts'
import { realLines } from './testing/real-events.ts'

const usernameOf = (userIdentity: JsonObject): string | undefined =>
  lookupAttributesOf({ userIdentity }).username

const resourcesOf = (
  eventSource: string,
  requestParameters: unknown,
  responseElements: unknown = null,
  more: JsonObject = { readOnly: false },
): string[] =>
  lookupAttributesOf({ eventSource, requestParameters, responseElements, ...more }).resources.map(
    ({ ResourceType, ResourceName }) => `${ResourceType ?? '-'} ${ResourceName}`,
  )

describe('lookup attributes', () => {
  it('names the caller as LookupEvents does', () => {
    const session = 'arn:aws:sts::111122223333:assumed-role/Admin/ci-42'
    const cases: [JsonObject, string | undefined][] = [
      [{ type: 'Root', userName: 'alias' }, 'root'],
      [{ type: 'IAMUser', userName: 'alice' }, 'alice'],
      [{ type: 'AssumedRole', arn: session, principalId: 'AROA:other' }, 'ci-42'],
      [{ type: 'AssumedRole', principalId: 'AROA:user@example.com' }, 'user@example.com'],
      [{ type: 'AssumedRole', principalId: 'AROA:with:colons' }, 'with:colons'],
      [{ type: 'AssumedRole' }, undefined],
      [{ type: 'FederatedUser', principalId: '111122223333:bob' }, 'bob'],
      [{ type: 'SAMLUser', userName: 'carol', identityProvider: 'x' }, 'carol'],
      [{ type: 'AWSService', invokedBy: 'ec2.amazonaws.com' }, undefined],
      [{ type: 'AWSAccount', principalId: 'AROA:session', accountId: '1' }, undefined],
      [{ accountId: '1', invokedBy: 'AWS Internal' }, undefined],
      [{ type: 'IAMUser', userName: '' }, undefined],
      [{ type: 'IAMUser', userName: 7 }, undefined],
    ]
    for (const [identity, name] of cases) {
      assert.equal(usernameOf(identity), name, JSON.stringify(identity))
    }
    assert.equal(lookupAttributesOf({ userIdentity: 'odd' }).username, undefined)
  })

  it('takes readOnly from the record alone, however it is spelled', () => {
    const read = (readOnly: unknown) => lookupAttributesOf({ readOnly }).readOnly
    assert.deepEqual([true, 'true', false, 'false', undefined, null, 'True', 1].map(read), [
      'true',
      'true',
      'false',
      'false',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('leaves out an empty access key', () => {
    const keyOf = (accessKeyId: string) =>
      lookupAttributesOf({ userIdentity: { accessKeyId } }).accessKeyId
    assert.equal(keyOf(''), undefined)
    assert.equal(keyOf('AKIA'), 'AKIA')
  })

  it('finds the API that an Insights event is about', () => {
    const attributes = lookupAttributesOf({
      insightDetails: { eventSource: 'iam.amazonaws.com', eventName: 'CreateUser', state: 'Start' },
    })
    assert.deepEqual(attributePairs(attributes, 'id'), [
      ['EventId', 'id'],
      ['EventName', 'CreateUser'],
      ['EventSource', 'iam.amazonaws.com'],
    ])
  })

  it('matches exactly and by case', () => {
    const attributes = lookupAttributesOf({ eventName: 'GetUser', readOnly: true })
    assert.equal(hasAttribute(attributes, 'Id', 'EventName', 'GetUser'), true)
    assert.equal(hasAttribute(attributes, 'Id', 'EventName', 'getuser'), false)
    assert.equal(hasAttribute(attributes, 'Id', 'EventId', 'id'), false)
    assert.equal(hasAttribute(attributes, 'Id', 'ReadOnly', 'true'), true)
  })

  it('derives the resources of the common services', () => {
    const user = { userName: 'u', arn: 'arn:aws:iam::1:user/u', userId: 'AIDA1' }
    assert.deepEqual(resourcesOf('iam.amazonaws.com', { userName: 'u' }, { user }), [
      'AWS::IAM::User u',
      'AWS::IAM::User arn:aws:iam::1:user/u',
      'AWS::IAM::User AIDA1',
    ])
    assert.deepEqual(resourcesOf('iam.amazonaws.com', { userName: 'u', accessKeyId: 'AKIA' }), [
      'AWS::IAM::AccessKey AKIA',
      'AWS::IAM::User u',
    ])
    assert.deepEqual(
      resourcesOf('iam.amazonaws.com', { userName: 'u' }, null, { readOnly: true }),
      [],
    )
    assert.deepEqual(resourcesOf('s3.amazonaws.com', { bucketName: 'b', Host: 'h' }), [
      'AWS::S3::Bucket b',
    ])
    assert.deepEqual(resourcesOf('lambda.amazonaws.com', { functionName: 'f' }), [
      'AWS::Lambda::Function f',
    ])
    assert.deepEqual(
      resourcesOf('cloudtrail.amazonaws.com', { name: 't' }, { name: 't', trailARN: 'arn:t' }),
      ['AWS::CloudTrail::Trail t', 'AWS::CloudTrail::Trail arn:t'],
    )
    const answer = {
      credentials: { accessKeyId: 'ASIA' },
      assumedRoleUser: { assumedRoleId: 'AROA:s', arn: 'arn:session' },
    }
    assert.deepEqual(resourcesOf('sts.amazonaws.com', { roleArn: 'arn:role' }, answer), [
      'AWS::IAM::AccessKey ASIA',
      'AWS::STS::AssumedRole AROA:s',
      'AWS::STS::AssumedRole arn:session',
      'AWS::IAM::Role arn:role',
    ])
    assert.deepEqual(
      resourcesOf('ec2.amazonaws.com', {
        resourcesSet: { items: [{ resourceId: 'ami-1' }, { resourceId: 'vol-2' }] },
      }),
      ['AWS::EC2::Ami ami-1', 'AWS::EC2::Volume vol-2'],
    )
    assert.deepEqual(
      resourcesOf('ec2.amazonaws.com', { CreateNatGatewayRequest: { SubnetId: 'subnet-1' } }),
      ['AWS::EC2::Subnet subnet-1'],
    )
  })

  it('falls back on the record’s own resources', () => {
    const resources = [
      { accountId: '1', type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::b' },
      { ARN: 'arn:aws:ssm:::parameter/p' },
      { ARNPrefix: 'arn:aws:s3:::b/', type: 'AWS::S3::Object' },
      'odd',
    ]
    const found = resourcesOf('other.amazonaws.com', 'a string', null, { resources })
    assert.deepEqual(found, ['AWS::S3::Bucket b', '- arn:aws:ssm:::parameter/p'])
  })

  it('is bounded for hostile records', () => {
    let deep: JsonObject = { instanceId: 'i-deep' }
    for (let level = 0; level < 5000; level++) deep = { inner: deep }
    assert.deepEqual(resourcesOf('ec2.amazonaws.com', deep), [])
    const items = Array.from({ length: 5000 }, (_, n) => ({ instanceId: `i-${n}` }))
    assert.equal(resourcesOf('ec2.amazonaws.com', { items }).length, 100)
    assert.deepEqual(resourcesOf('s3.amazonaws.com', { bucketName: 'x'.repeat(2001) }), [])
    assert.deepEqual(resourcesOf('__proto__', {}), [])
  })

  it('takes any JSON for a record', () => {
    const sources = ['ec2.amazonaws.com', 'iam.amazonaws.com', 's3.amazonaws.com', 'constructor']
    const anything = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()))
    const members = {
      eventSource: fc.oneof(fc.constantFrom(...sources), anything),
      ...{ eventName: anything, readOnly: anything, userIdentity: anything, resources: anything },
      ...{ requestParameters: anything, responseElements: anything, insightDetails: anything },
    }
    fc.assert(
      fc.property(fc.record(members, { requiredKeys: [] }), (record) => {
        const parsed = parseRecord(Buffer.from(JSON.stringify(record)))
        assert.ok(parsed !== undefined)
        for (const [key, value] of attributePairs(lookupAttributesOf(parsed), 'id')) {
          assert.ok(typeof value === 'string' && value !== '', key)
        }
      }),
      { numRuns: 300 },
    )
  })

  for (const set of [
    'invictus-ir_aws_dataset',
    'stratus-red-team',
    'panther-analysis',
    'otrf-security-datasets',
  ]) {
    it(`reads every real event of ${set}`, (t) => {
      const found = realLines(`${set}/events.ndjson.gz`)
      if ('absent' in found) return t.skip(found.absent)
      let named = 0
      for (const line of found.lines) {
        const record = parseRecord(line)
        assert.ok(record !== undefined)
        assert.ok(parseEventTime(record.eventTime) !== undefined)
        const own = lookupAttributesOf(record)
        assert.equal(own.eventName, record.eventName)
        if (own.resources.length > 0) named++
        for (const [, value] of attributePairs(own, String(record.eventID))) assert.ok(value !== '')
      }
      assert.ok(named > found.lines.length / 20, `${named} of ${found.lines.length} have resources`)
    })
  }
})
