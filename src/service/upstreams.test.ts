import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseUpstreams } from './upstreams.ts'

describe('upstreams', () => {
  it('has S3 and STS built in when nothing is configured', () => {
    const upstreams = parseUpstreams([])
    assert.equal(upstreams.of('s3'), undefined)
    assert.ok(upstreams.isBuiltin('s3') && upstreams.isBuiltin('sts'))
    assert.equal(upstreams.isBuiltin('dynamodb'), false)
  })

  it('prefers the named one to the one for all, and never forwards its own API', () => {
    const upstreams = parseUpstreams(['http://127.0.0.1:5000', 's3=builtin', 'sqs=http://sqs:1'])
    assert.equal(upstreams.of('iam')?.port, '5000')
    assert.equal(upstreams.of('sts')?.port, '5000')
    assert.equal(upstreams.of('sqs')?.host, 'sqs:1')
    assert.equal(upstreams.of('s3'), undefined)
    assert.ok(upstreams.isBuiltin('s3') && !upstreams.isBuiltin('sts'))
    assert.equal(upstreams.of('cloudtrail'), undefined)
  })

  it('says what is wrong', () => {
    for (const wrong of [
      ...['127.0.0.1:5000', 'ftp://host', 's3=', 'sqs=builtin', 'cloudtrail=http://host'],
      ...['http://host/path', 'S 3=http://host'],
    ]) {
      assert.throws(() => parseUpstreams([wrong]), { name: 'ConfigError' }, wrong)
    }
  })
})
