import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { casingOf, datesOf } from './conventions.ts'
import { resourcesOf } from './resources.ts'

const NOON = Date.UTC(2023, 6, 10, 12, 9, 47)
const MIDNIGHT = Date.UTC(2023, 6, 1, 0, 5, 0)

describe('conventions', () => {
  it('spell names as each service does', () => {
    assert.equal(casingOf('rds')('DBInstanceIdentifier'), 'dBInstanceIdentifier')
    assert.equal(casingOf('secretsmanager')('ARN'), 'arn')
    assert.equal(casingOf('batch')('ARN'), 'aRN')
    assert.equal(casingOf('securityhub')('ProductArn'), 'ProductArn')
  })

  it('write dates in the two Java flavours, as ISO text or as a number', () => {
    assert.equal(datesOf('kms')(NOON), 'Jul 10, 2023, 12:09:47 PM')
    assert.equal(datesOf('iam')(NOON), 'Jul 10, 2023 12:09:47 PM')
    assert.equal(datesOf('iam')(MIDNIGHT), 'Jul 1, 2023 12:05:00 AM')
    assert.equal(datesOf('bedrock')(NOON), '2023-07-10T12:09:47.000Z')
    assert.equal(datesOf('mediaconvert')(NOON), NOON / 1000)
    assert.equal(datesOf('ec2')(NOON), NOON)
  })
})

describe('resources', () => {
  const resources = (serviceId: string, operation: string, parameters: Record<string, unknown>) =>
    resourcesOf(serviceId, operation, { parameters, account: '210000000001', region: 'cn-north-1' })
  const arns = (...call: Parameters<typeof resources>) =>
    resources(...call)?.map((resource) => resource.ARN)

  it('are built from names and ARNs, in the partition of the region', () => {
    assert.deepEqual(arns('ssm', 'GetParameters', { names: ['/a/b', 'c'] }), [
      'arn:aws-cn:ssm:cn-north-1:210000000001:parameter/a/b',
      'arn:aws-cn:ssm:cn-north-1:210000000001:parameter/c',
    ])
    assert.deepEqual(
      resources('sts', 'AssumeRole', { roleArn: 'arn:aws:iam::330000000003:role/x' }),
      [
        {
          accountId: '330000000003',
          type: 'AWS::IAM::Role',
          ARN: 'arn:aws:iam::330000000003:role/x',
        },
      ],
    )
    const transact = { transactItems: [{ put: { tableName: 'a' } }, { get: { tableName: 'b' } }] }
    assert.equal(arns('dynamodb', 'TransactWriteItems', transact)?.length, 2)
  })

  it('are absent where nothing names one', () => {
    assert.equal(resources('kms', 'Encrypt', { keyId: 'alias/aws/ssm' }), undefined)
    assert.equal(resources('lambda', 'CreateFunction', { functionName: 'f' }), undefined)
    assert.equal(resources('iam', 'CreateUser', { userName: 'u' }), undefined)
    assert.equal(resources('dynamodb', 'GetItem', { tableName: 7 }), undefined)
  })
})
