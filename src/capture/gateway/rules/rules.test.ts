import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endToEndHeaders } from '../forwarding/upstream.ts'
import { createVirtualHost } from '../request/virtual-host.ts'
import { globalRegion } from './global-regions.ts'
import { createSourceAddress } from './source-address.ts'
import { isEmulatorControl, mayBeUnsigned } from './unsigned-operations.ts'

test('global services live in one region of their partition', () => {
  assert.equal(globalRegion('iam', 'eu-west-1'), 'us-east-1')
  assert.equal(globalRegion('iam', 'cn-northwest-1'), 'cn-north-1')
  assert.equal(globalRegion('organizations', 'us-gov-east-1'), 'us-gov-west-1')
  assert.equal(globalRegion('globalaccelerator', 'eu-west-1'), 'us-west-2')
  assert.equal(globalRegion('sts', 'aws-global'), 'us-east-1')
  assert.equal(globalRegion('sts', 'eu-west-1'), 'eu-west-1')
  assert.equal(globalRegion('constructor', 'eu-west-1'), 'eu-west-1')
})

test('X-Forwarded-For is believed only as far as trusted proxies wrote it', () => {
  const none = createSourceAddress([])
  assert.equal(none('::ffff:192.0.2.1', '203.0.113.9'), '192.0.2.1')
  assert.equal(none(undefined, undefined), '')
  const behind = createSourceAddress(['10.0.0.0/8', '2001:db8::1', '127.0.0.1'])
  assert.equal(behind('127.0.0.1', '198.51.100.7'), '198.51.100.7')
  assert.equal(behind('::ffff:10.1.2.3', '203.0.113.9, 198.51.100.7, 10.9.9.9'), '198.51.100.7')
  assert.equal(behind('2001:db8::1', '2001:db8::7'), '2001:db8::7')
  assert.equal(behind('192.0.2.1', '203.0.113.9'), '192.0.2.1', 'a stranger writes what he likes')
  assert.equal(behind('127.0.0.1', 'unknown'), '127.0.0.1')
  assert.equal(behind('127.0.0.1', undefined), '127.0.0.1')
  assert.throws(() => createSourceAddress(['nonsense']))
})

test('the bucket of a virtual host, and hosts that are none', () => {
  const bucketOf = createVirtualHost(['localhost', 's3.localhost', 'clew.example'])
  const at = (host: string, rawPath = '/', headers = {}) =>
    bucketOf({ method: 'GET', rawPath, rawQuery: '', headers: { host, ...headers } })
  assert.equal(at('bucket.localhost:4600'), 'bucket')
  assert.equal(at('Bucket.With.Dots.s3.localhost'), 'bucket.with.dots')
  assert.equal(at('b.clew.example'), 'b')
  assert.equal(at('s3.localhost:4600'), undefined)
  assert.equal(at('127.0.0.1:4600'), undefined)
  assert.equal(at('notlocalhost'), undefined)
  assert.equal(at('111122223333.localhost', '/v20180820/jobs'), undefined)
  assert.equal(at('b.localhost', '/', { 'x-amz-account-id': '111122223333' }), undefined)
})

test('what may come unsigned', () => {
  const may = (signingName: string, operation?: string, bucket?: string) =>
    mayBeUnsigned({
      signingName,
      ...(operation !== undefined && { operation }),
      ...(bucket !== undefined && { bucket }),
    })
  assert.ok(may('sts', 'AssumeRoleWithWebIdentity'))
  assert.ok(!may('sts', 'AssumeRole'))
  assert.ok(!may('sts'))
  assert.ok(!may('constructor', 'constructor'))
  assert.ok(may('s3', 'GetObject', 'bucket'))
  assert.ok(!may('s3', 'ListBuckets'))
  assert.ok(isEmulatorControl('/moto-api/reset') && !isEmulatorControl('/moto-apix'))
})

test('headers of the connection stay behind, whatever Connection names', () => {
  const raw = [
    'Host',
    'h',
    'Connection',
    'close, authorization',
    'Authorization',
    'a',
    'TE',
    'trailers',
  ]
  const more = ['Expect', '100-continue', 'Transfer-Encoding', 'chunked', 'X-A', '1', 'X-A', '2']
  assert.deepEqual(endToEndHeaders([...raw, ...more]), [
    'Host',
    'h',
    'Authorization',
    'a',
    'X-A',
    '1',
    'X-A',
    '2',
  ])
})
