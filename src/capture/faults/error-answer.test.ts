import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import type { AwsProtocol, RequestHead } from '../call.ts'
import { signatureFault } from '../signature/answers/signature-fault.ts'
import type { SignatureProblem } from '../signature/answers/signature-problem.ts'
import { cborMap } from './cbor-map.ts'
import { errorAnswer } from './error-answer.ts'
import { protocolGuess } from './protocol-guess.ts'

const facts = {
  code: 'AccessDenied',
  message: 'No <entry> & "none" here: \u0001',
  status: 403,
  requestId: 'R1',
}
const bodyOf = (protocol: AwsProtocol, extra: object = {}): string => {
  const answer = errorAnswer(protocol, { ...facts, ...extra })
  assert.ok(Buffer.isBuffer(answer.body))
  assert.equal(answer.headers['content-length'], String(answer.body.length))
  assert.equal(answer.status, 403)
  return answer.body.toString()
}
const xml = new XMLParser({ parseTagValue: false })

test('JSON errors name their type in body and header', () => {
  assert.deepEqual(JSON.parse(bodyOf('json')), { __type: facts.code, message: facts.message })
  const { headers } = errorAnswer('rest-json', facts)
  assert.equal(headers['x-amzn-errortype'], 'AccessDenied')
  assert.equal(headers['x-amzn-requestid'], 'R1')
})

test('the three XML forms', () => {
  const message = 'No <entry> & "none" here: \ufffd'
  assert.deepEqual(xml.parse(bodyOf('rest-xml', { resource: '/b/k', details: { Extra: '1' } })), {
    '?xml': '',
    Error: {
      Code: 'AccessDenied',
      Message: message,
      Extra: '1',
      Resource: '/b/k',
      RequestId: 'R1',
      HostId: 'R1',
    },
  })
  assert.deepEqual(xml.parse(bodyOf('query')), {
    ErrorResponse: {
      Error: { Type: 'Sender', Code: 'AccessDenied', Message: message },
      RequestId: 'R1',
    },
  })
  assert.deepEqual(xml.parse(bodyOf('ec2')), {
    '?xml': '',
    Response: { Errors: { Error: { Code: 'AccessDenied', Message: message } }, RequestID: 'R1' },
  })
})

/** Reads back a map of texts (RFC 8949 section 3). */
const readCborMap = (bytes: Buffer): Record<string, string> => {
  let at = 0
  const head = (major: number): number => {
    const first = bytes.readUInt8(at++)
    assert.equal(first >> 5, major)
    const small = first & 31
    if (small < 24) return small
    const width = 1 << (small - 24)
    at += width
    return bytes.readUIntBE(at - width, width)
  }
  const text = (): string => {
    const length = head(3)
    at += length
    return bytes.toString('utf8', at - length, at)
  }
  const entries = Array.from({ length: head(5) }, () => [text(), text()])
  assert.equal(at, bytes.length)
  return Object.fromEntries(entries)
}

test('CBOR maps read back, of any length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (message) => {
      const long = message.toWellFormed().repeat(message.length)
      assert.deepEqual(readCborMap(cborMap({ __type: 'T', message: long })), {
        __type: 'T',
        message: long,
      })
    }),
  )
  const huge = 'x'.repeat(70_000)
  assert.deepEqual(readCborMap(cborMap({ huge })), { huge })
})

test('the protocol is guessed from the head', () => {
  const guess = (headers: Record<string, string>, name?: string, rawQuery = '') => {
    const head: RequestHead = { method: 'POST', rawPath: '/', rawQuery, headers }
    return protocolGuess(head, name)
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  assert.equal(guess({ 'x-amz-target': 'A.B' }), 'json')
  assert.equal(guess({ 'smithy-protocol': 'rpc-v2-cbor' }, 'cloudwatch'), 'rpc-v2-cbor')
  assert.equal(guess(form, 'sts'), 'query')
  assert.equal(guess(form, 'ec2'), 'ec2')
  assert.equal(guess({}, 'sts', 'Action=GetCallerIdentity&Version=2011-06-15'), 'query')
  assert.equal(guess({}, 's3'), 'rest-xml')
  assert.equal(guess({}, 'lambda'), 'rest-json')
  assert.equal(guess({}), 'rest-xml')
})

const PROBLEMS: SignatureProblem[] = [
  { reason: 'missing' },
  { reason: 'unknown-key', accessKeyId: 'AKIA' },
  { reason: 'mismatch' },
  { reason: 'skewed', at: Date.UTC(2026, 2, 2), now: Date.UTC(2026, 2, 2, 1), skewMs: 900_000 },
  { reason: 'expired-token' },
  { reason: 'malformed', place: 'header', detail: 'x' },
]
const codes = (protocol: AwsProtocol, name: string): string[] =>
  PROBLEMS.map((problem) => {
    const fault = signatureFault(protocol, name, problem)
    assert.equal(fault.reason, problem.reason)
    return `${fault.code} ${fault.status}`
  })

test('refused signatures have the codes of the family', () => {
  assert.deepEqual(codes('rest-xml', 's3'), [
    'AccessDenied 403',
    'InvalidAccessKeyId 403',
    'SignatureDoesNotMatch 403',
    'RequestTimeTooSkewed 403',
    'ExpiredToken 400',
    'AuthorizationHeaderMalformed 400',
  ])
  assert.deepEqual(codes('json', 'cloudtrail'), [
    'MissingAuthenticationTokenException 403',
    'UnrecognizedClientException 403',
    'InvalidSignatureException 403',
    'InvalidSignatureException 403',
    'ExpiredTokenException 403',
    'IncompleteSignatureException 403',
  ])
  assert.deepEqual(codes('query', 'sts'), [
    'MissingAuthenticationToken 403',
    'InvalidClientTokenId 403',
    'SignatureDoesNotMatch 403',
    'SignatureDoesNotMatch 403',
    'ExpiredToken 403',
    'IncompleteSignature 403',
  ])
  assert.deepEqual(codes('ec2', 'ec2'), [
    'MissingAuthenticationToken 403',
    'AuthFailure 403',
    'AuthFailure 403',
    'RequestExpired 403',
    'RequestExpired 403',
    'IncompleteSignature 403',
  ])
  assert.deepEqual(codes('rest-xml', 'route53'), codes('query', 'sts'))
  assert.equal(
    signatureFault('json', 'cloudtrail', PROBLEMS[3] ?? { reason: 'missing' }).message,
    'Signature expired: 20260302T000000Z is now earlier than 20260302T004500Z (20260302T010000Z - 15 min.)',
  )
})
