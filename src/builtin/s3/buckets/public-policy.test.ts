import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPublicPolicy, policyProblem } from './public-policy.ts'

const statement = (more: object) => ({
  Version: '2012-10-17',
  Statement: [
    { ...{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }, ...more },
  ],
})

describe('public policies', () => {
  it('are those that allow everybody without a fixed condition', () => {
    const cases: [object, boolean][] = [
      [{ Principal: '*' }, true],
      [{ Principal: { AWS: ['*'] } }, true],
      [{ NotPrincipal: { AWS: '123456789012' } }, true],
      [{ Principal: '*', Effect: 'Deny' }, false],
      [{ Principal: { AWS: '123456789012' } }, false],
      [{ Principal: { Service: 'cloudtrail.amazonaws.com' } }, false],
      [{ Principal: '*', Condition: { StringEquals: { 'aws:SourceVpc': 'vpc-1' } } }, false],
      [{ Principal: '*', Condition: { StringLike: { 'aws:SourceVpc': 'vpc-*' } } }, true],
      [{ Principal: '*', Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }, false],
      [{ Principal: '*', Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } }, true],
      [{ Principal: '*', Condition: { StringNotEquals: { 'aws:SourceVpc': 'vpc-1' } } }, true],
      [{ Principal: '*', Condition: { StringEquals: { 's3:prefix': 'x' } } }, true],
    ]
    for (const [more, isPublic] of cases) {
      assert.equal(isPublicPolicy(statement(more)), isPublic, JSON.stringify(more))
    }
  })

  it('are refused when they are no policy of this bucket', () => {
    const problem = (more: object) => policyProblem(statement(more), 'arn:aws:s3:::b')
    assert.equal(problem({ Principal: '*' }), undefined)
    assert.equal(
      problem({ Principal: '*', Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/x'] }),
      undefined,
    )
    assert.match(problem({}) ?? '', /Principal/)
    assert.match(problem({ Principal: 'me' }) ?? '', /principal/)
    assert.match(problem({ Principal: '*', Effect: 'Perhaps' }) ?? '', /effect/)
    assert.match(problem({ Principal: '*', Action: 'sqs:SendMessage' }) ?? '', /action/)
    assert.match(problem({ Principal: '*', Resource: 'arn:aws:s3:::bb/*' }) ?? '', /resource/)
    assert.match(problem({ Principal: '*', Condition: 'always' }) ?? '', /Syntax/)
  })
})
