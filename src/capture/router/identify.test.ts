import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type HeadFacts, headOf } from '../../../test/capture/captured-call.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { identify } from './identify.ts'

const catalogue = loadCatalogue()
const identified = identify(catalogue)

const name = (facts: HeadFacts, signingName?: string, body?: string) => {
  const scope = signingName === undefined ? undefined : { signingName, region: 'eu-west-1' }
  const bytes = body === undefined ? undefined : Buffer.from(body)
  return identified(headOf(facts), scope, bytes)
}

const s3 = (method: string, path: string, query = '', headers: Record<string, string> = {}) =>
  name({ method, path, query, headers }, 's3')

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

describe('S3', () => {
  it('tells operations of one template apart by headers and query', () => {
    assert.equal(s3('PUT', '/b/k').operation, 'PutObject')
    assert.equal(s3('PUT', '/b/k', '', { 'x-amz-copy-source': 'a/b' }).operation, 'CopyObject')
    assert.equal(s3('PUT', '/b/k', 'partNumber=1&uploadId=u').operation, 'UploadPart')
    const copied = s3('PUT', '/b/k', 'partNumber=1&uploadId=u', { 'x-amz-copy-source': 'a/b' })
    assert.equal(copied.operation, 'UploadPartCopy')
    assert.equal(s3('GET', '/b').operation, 'ListObjects')
    assert.equal(s3('GET', '/b', 'list-type=2').operation, 'ListObjectsV2')
    assert.equal(s3('GET', '/b', 'uploads').operation, 'ListMultipartUploads')
    assert.equal(s3('POST', '/b/k', 'uploads').operation, 'CreateMultipartUpload')
    assert.equal(s3('GET', '/b/k', 'uploadId=u').operation, 'ListParts')
    assert.equal(s3('GET', '/b/').operation, 'ListObjects')
  })

  it('is not fooled by x-id or X-Amz-Target, which S3 ignores', () => {
    assert.equal(s3('GET', '/b/k', 'tagging&x-id=GetObject').operation, 'GetObjectTagging')
    assert.equal(s3('DELETE', '/b/k', 'x-id=GetObject').operation, 'DeleteObject')
    const target = { 'x-amz-target': 'TrentService.ListKeys' }
    assert.equal(s3('DELETE', '/b/k', '', target).eventName, 'DeleteObject')
    assert.equal(
      s3('DELETE', '/b/k', 'Action=ListUsers&Version=2010-05-08').eventName,
      'DeleteObject',
    )
  })

  it('finds bucket and key on the raw path and in virtual hosts', () => {
    const path = s3('GET', '/b%C3%BC/a%2Fb//c%20d')
    assert.deepEqual([path.bucket, path.key], ['bü', 'a/b//c d'])
    for (const host of [
      ...['bucket.s3.amazonaws.com', 'bucket.s3.eu-west-1.amazonaws.com:443'],
      ...['bucket.s3-eu-west-1.amazonaws.com', 'bucket.s3.dualstack.eu-west-1.amazonaws.com'],
    ]) {
      const found = s3('GET', '/key', '', { host })
      assert.deepEqual([found.bucket, found.key], ['bucket', 'key'], host)
      // The gateway's own virtual hosts come in path style already.
      assert.equal(s3('GET', '/bucket/key', '', { host }).key, 'key', host)
    }
    const dotted = s3('GET', '/key', '', { host: 'my.own.bucket.s3.eu-west-1.amazonaws.com' })
    assert.equal(dotted.bucket, 'my.own.bucket')
    for (const host of [
      ...['127.0.0.1:4600', '[::1]:4600', 'localhost:4600', 's3.amazonaws.com'],
      ...['s3.eu-west-1.amazonaws.com', 'bucket.localhost:4600'],
    ]) {
      assert.equal(s3('GET', '/bucket/key', '', { host }).bucket, 'bucket', host)
    }
  })

  it('leaves S3 Control and a bucket of its name apart', () => {
    const path = '/v20180820/configuration/publicAccessBlock'
    const account = { 'x-amz-account-id': '210000000001' }
    assert.equal(s3('GET', path, '', account).eventName, 'GetAccountPublicAccessBlock')
    assert.equal(s3('GET', path, '', { host: '210000000001.localhost' }).serviceId, 's3control')
    assert.equal(s3('GET', path).key, 'configuration/publicAccessBlock')
  })

  it('spells names and categories as CloudTrail does', () => {
    const facts = ({ eventName, category, readOnly }: ReturnType<typeof s3>) => [
      eventName,
      category,
      readOnly,
    ]
    assert.deepEqual(facts(s3('GET', '/b', 'list-type=2')), ['ListObjects', 'Data', true])
    assert.deepEqual(facts(s3('HEAD', '/b')), ['HeadBucket', 'Data', true])
    assert.deepEqual(facts(s3('POST', '/b', 'delete')), ['DeleteObjects', 'Data', false])
    assert.deepEqual(facts(s3('PUT', '/b', 'lifecycle')), [
      'PutBucketLifecycle',
      'Management',
      false,
    ])
    assert.deepEqual(facts(s3('PUT', '/b')), ['CreateBucket', 'Management', false])
    assert.deepEqual(facts(s3('GET', '/b/k', 'newthing=1')), ['GetObject', 'Data', true])
    assert.deepEqual(facts(s3('PATCH', '/b/k')), ['PATCH /b/k', 'Data', false])
    const upload = { 'content-type': 'multipart/form-data; boundary=x' }
    assert.deepEqual(facts(s3('POST', '/b', '', upload)), ['PostObject', 'Data', false])
  })

  it('takes what is unsigned and has no other name', () => {
    assert.equal(name({ method: 'GET', path: '/b/public.txt' }).eventName, 'GetObject')
    const portal = name({ method: 'GET', path: '/assignment/accounts' })
    assert.deepEqual([portal.serviceId, portal.eventSource], ['sso', 'sso.amazonaws.com'])
    // A signed operation's path is a bucket's, as long as nobody signed.
    assert.equal(name({ method: 'GET', path: '/restapis/x' }).serviceId, 's3')
  })
})

describe('RPC services', () => {
  it('are named by the last segment of the target', () => {
    for (const prefix of [
      'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101',
      'CloudTrail_20131101',
    ]) {
      const headers = { 'x-amz-target': `${prefix}.CreateTrail` }
      assert.equal(name({ headers }, 'cloudtrail').operation, 'CreateTrail')
    }
  })

  it('are named by Action, in form or query, by the version where two share a name', () => {
    const elb = (version: string) =>
      name(
        { headers: FORM },
        'elasticloadbalancing',
        `Action=DescribeLoadBalancers&Version=${version}`,
      )
    assert.equal(elb('2012-06-01').serviceId, 'elb')
    assert.equal(elb('2015-12-01').serviceId, 'elbv2')
    const query = 'Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=s'
    assert.equal(name({ method: 'GET', query }, 'sts').operation, 'GetCallerIdentity')
    const later = name({ headers: FORM }, 'iam', 'UserName=x&Version=2010-05-08&Action=GetUser')
    assert.equal(later.operation, 'GetUser')
  })

  it('are spoken in protocols of another age', () => {
    const old = name({ headers: FORM }, 'sqs', 'Action=SendMessage&Version=2012-11-05')
    assert.deepEqual([old.operation, old.protocol, old.category], ['SendMessage', 'query', 'Data'])
    const cbor = {
      path: '/service/TrentService/operation/Encrypt',
      headers: { 'smithy-protocol': 'rpc-v2-cbor' },
    }
    assert.equal(name(cbor, 'kms').protocol, 'rpc-v2-cbor')
    const json = { headers: { 'x-amz-target': 'GraniteServiceVersion20100801.PutMetricData' } }
    assert.deepEqual(
      [name(json, 'monitoring').serviceId, name(json, 'monitoring').eventSource],
      ['cloudwatch', 'monitoring.amazonaws.com'],
    )
  })

  it('of a query service are named by their Action, whatever target is added', () => {
    const form = 'Action=GetSessionToken&Version=2011-06-15'
    const target = { ...FORM, 'x-amz-target': 'AWSSecurityTokenService.GetCallerIdentity' }
    assert.equal(name({ headers: target }, 'sts', form).operation, 'GetSessionToken')
    const cbor = {
      path: '/service/sts/operation/GetCallerIdentity',
      headers: { ...FORM, 'smithy-protocol': 'rpc-v2-cbor' },
    }
    assert.equal(name(cbor, 'sts', form).operation, 'GetSessionToken')
  })

  it('may come unsigned', () => {
    const sts = name(
      { headers: FORM },
      undefined,
      'Action=AssumeRoleWithWebIdentity&Version=2011-06-15',
    )
    assert.deepEqual([sts.signingName, sts.operation], ['sts', 'AssumeRoleWithWebIdentity'])
    const headers = { 'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth' }
    assert.equal(name({ headers }).eventSource, 'cognito-idp.amazonaws.com')
  })
})

describe('names', () => {
  it('follow the exceptions of eventSource and eventName', () => {
    assert.equal(
      name({ method: 'GET', path: '/v1/brokers' }, 'mq').eventSource,
      'amazonmq.amazonaws.com',
    )
    const lambda = (method: string, path: string) => name({ method, path }, 'lambda').eventName
    assert.equal(lambda('GET', '/2015-03-31/functions'), 'ListFunctions20150331')
    assert.equal(lambda('GET', '/2015-03-31/functions/f'), 'GetFunction20150331v2')
    assert.equal(lambda('POST', '/2015-03-31/functions/f/invocations'), 'Invoke')
    const cdn = { method: 'POST', path: '/2020-05-31/distribution' }
    assert.equal(name(cdn, 'cloudfront').eventName, 'CreateDistribution2020_05_31')
    const scope = { signingName: 'cloudfront', region: 'us-east-1' }
    const plain = identified(headOf(cdn), scope, undefined, { cloudFrontSuffix: '' })
    assert.equal(plain.eventName, 'CreateDistribution')
    assert.equal(
      name({ headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' } }, 'dynamodb').apiVersion,
      '2012-08-10',
    )
    assert.equal(
      name({ headers: { 'x-amz-target': 'TrentService.Decrypt' } }, 'kms').readOnly,
      true,
    )
    assert.equal(
      name({ headers: FORM }, 'sts', 'Action=GetSessionToken&Version=2011-06-15').readOnly,
      false,
    )
  })

  it('are there for what nobody knows', () => {
    const target = name({ headers: { 'x-amz-target': 'Future_2030.ListThings' } }, 'future')
    assert.deepEqual(
      [target.eventSource, target.eventName, target.readOnly, target.serviceId],
      ['future.amazonaws.com', 'ListThings', true, undefined],
    )
    const rest = name({ method: 'POST', path: '/v1/x' }, 'future')
    assert.deepEqual([rest.eventName, rest.readOnly], ['POST /v1/x', false])
    const newer = name({ headers: { 'x-amz-target': 'TrentService.NewThing' } }, 'kms')
    assert.deepEqual(
      [newer.serviceId, newer.operation, newer.eventName],
      ['kms', undefined, 'NewThing'],
    )
    assert.equal(name({ path: '/x' }, 'bad name\n').eventSource, 'unknown.amazonaws.com')
    const stage = name({ method: 'GET', path: '/prod/pets' }, 'execute-api')
    assert.deepEqual([stage.eventSource, stage.serviceId], ['execute-api.amazonaws.com', undefined])
  })

  it('never throw, whatever the request', () => {
    const names = fc.constantFrom(
      's3',
      'sts',
      'lambda',
      'ec2',
      'execute-api',
      's3-outposts',
      'x',
      '',
    )
    const header = fc.constantFrom(
      'x-amz-target',
      'smithy-protocol',
      'content-type',
      'host',
      '__proto__',
    )
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'OPTIONS'),
        fc.oneof(text, fc.constantFrom('/%', '//', '/b/%zz', '/2015-03-31/functions/', '')),
        fc.oneof(text, fc.constantFrom('Action=%', '&&=&', 'acl&acl&list-type')),
        fc.dictionary(header, text),
        fc.option(names, { nil: undefined }),
        fc.option(fc.uint8Array(), { nil: undefined }),
        (method, path, query, headers, signingName, body) => {
          const scope = signingName === undefined ? undefined : { signingName, region: 'r' }
          const head = { method, rawPath: path, rawQuery: query, headers }
          const found = identified(head, scope, body === undefined ? undefined : Buffer.from(body))
          assert.ok(found.eventName.length > 0)
          assert.match(found.eventSource, /^[A-Za-z0-9-]+\.amazonaws\.com$/)
        },
      ),
      { numRuns: 500 },
    )
  })
})
