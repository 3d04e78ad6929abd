import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Partition, parseArn, partitionOf, principalArn } from './arn.ts'
import type { Caller } from './principal.ts'
import { userIdentityOf, usernameOf } from './user-identity.ts'

interface Case {
  readonly name: string
  readonly provenance: string
  readonly partition?: Partition
  readonly caller: Caller
  readonly userIdentity: object
  readonly username?: string
}

const folder = join(import.meta.dirname, '../../test/golden/user-identity')

describe('userIdentity', () => {
  for (const file of readdirSync(folder)) {
    for (const golden of JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[]) {
      it(`${golden.name} (${file})`, () => {
        assert.ok(golden.provenance.length > 0)
        const record = userIdentityOf(golden.caller, golden.partition)
        // As text, because the order of the keys counts.
        assert.equal(
          JSON.stringify(record, undefined, 1),
          JSON.stringify(golden.userIdentity, undefined, 1),
        )
        assert.equal(usernameOf(record), golden.username)
      })
    }
  }
})

describe('usernameOf', () => {
  it('reads records that others wrote', () => {
    assert.equal(usernameOf(undefined), undefined)
    assert.equal(usernameOf('text'), undefined)
    assert.equal(usernameOf({ accountId: '123456789012', invokedBy: 'AWS Internal' }), undefined)
    assert.equal(usernameOf({ type: 'Root', userName: 'alias' }), 'root')
    assert.equal(usernameOf({ type: 'IAMUser', userName: '' }), undefined)
    assert.equal(usernameOf({ type: 'AssumedRole', principalId: 'AROAX:name' }), 'name')
    assert.equal(usernameOf({ type: 'AssumedRole', userName: 'name' }), 'name')
    assert.equal(usernameOf({ type: 'AWSAccount', accountId: '123456789012' }), undefined)
  })
})

describe('ARNs', () => {
  it('take the partition of the region', () => {
    assert.equal(partitionOf('eu-west-1'), 'aws')
    assert.equal(partitionOf('cn-north-1'), 'aws-cn')
    assert.equal(partitionOf('us-gov-west-1'), 'aws-us-gov')
    assert.equal(partitionOf('lab-1'), 'aws')
  })

  it('split into six fields, colons of the resource kept', () => {
    assert.deepEqual(parseArn('arn:aws:sns:eu-west-1:123456789012:topic:sub'), {
      partition: 'aws',
      service: 'sns',
      region: 'eu-west-1',
      account: '123456789012',
      resource: 'topic:sub',
    })
    assert.equal(parseArn('arn:aws:s3'), undefined)
    assert.equal(parseArn('urn:aws:s3:::bucket'), undefined)
    assert.equal(principalArn({ kind: 'anonymous' }), undefined)
  })
})
