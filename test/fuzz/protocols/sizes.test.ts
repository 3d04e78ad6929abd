/**
 * Input made to be slow: each is long enough that work which grows with the square of its length
 * does not end in the time that a test has. Nothing is measured.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCbor } from '../../../src/capture/record/wire/cbor.ts'
import { formTree, parsePairs } from '../../../src/capture/record/wire/form.ts'
import { parseXml } from '../../../src/capture/record/wire/xml.ts'
import { bucketOfHost } from '../../../src/capture/router/s3-target.ts'
import { canonicalRequests } from '../../../src/capture/signature/canonical-request.ts'
import { readClaim } from '../../../src/capture/signature/claim.ts'
import { isSecretName, withoutUrlSecrets } from '../../../src/event/redaction.ts'
import { corpus, type WireCase } from './corpus.ts'
import { identified, recordsOf } from './recording.ts'

const LONG = 192 * 1024
const many = (unit: string, length = LONG): string => unit.repeat(Math.ceil(length / unit.length))

const UNITS = [
  ...['a', ' ', '\t', '&', '=', '%', '%2', '%41', '+', '.', '/', '//', '..', ';', ',', ':', '@'],
  ...[
    '<',
    '>',
    '<a>',
    '<a/>',
    '<a b="',
    '<a b=c ',
    '<!--',
    '<![CDATA[',
    '&amp;',
    '&#',
    '</',
    '<a:',
    'é',
  ],
  ...['{', '[', '"', '\\', '{"a":', '[[', '1', '-', '1e', '0.', '1.5,', '"a":1,', '\\u', '\u0000'],
  ...['a=b&', 'a.1=b&', 'a.1.b.2=c&', 'Tags.member.1.Key=a&', '.1', '1.', 'Action=a&', 'x-', '=x;'],
  ...['://a:b', 'https://a:b@', '?X-Amz-Signature=', 'Signature=', 'token', 'password', 'key'],
]

/** One case of each protocol. */
const cases: readonly WireCase[] = [
  ...new Map(
    corpus.map((wire): [string, WireCase] => {
      const head = {
        method: wire.method,
        rawPath: wire.path.toString(),
        rawQuery: wire.query.toString(),
        headers: wire.headers,
      }
      return [identified(head, wire.scope, wire.body).protocol, wire]
    }),
  ).values(),
]

const ALONE: Readonly<Record<string, (text: string) => unknown>> = {
  'an XML document': (text) => parseXml(`<r>${text}</r>`),
  'an XML tag': (text) => parseXml(`<r ${text}>x</r>`),
  'XML alone': parseXml,
  'a form': (text) => formTree(parsePairs(text)),
  CBOR: (text) => parseCbor(Buffer.from(text, 'latin1')),
  'a text with URLs': withoutUrlSecrets,
  'a name': isSecretName,
}

describe('the work for', () => {
  it('a host is none where it is too long to be one', () => {
    const label = 'a'.repeat(63)
    const host = `${label}.${label}.${label}.s3.amazonaws.com`
    assert.equal(bucketOfHost(host), `${label}.${label}.${label}`)
    assert.equal(bucketOfHost(`${label}.${host}`), undefined)
  })

  for (const [name, read] of Object.entries(ALONE)) {
    it(name, { timeout: 60_000 }, () => {
      for (const unit of UNITS) {
        read(many(unit))
        read(`${many(unit)}!`)
      }
    })
  }

  it('CBOR of heads that promise much', { timeout: 60_000 }, () => {
    for (const head of [0x9f, 0xbf, 0x5f, 0x7f, 0x9b, 0xbb, 0xc1, 0xdb, 0x81, 0xa1, 0xff, 0xf6]) {
      parseCbor(Buffer.alloc(LONG, head))
      parseCbor(Buffer.concat([Buffer.from([0x9f]), Buffer.alloc(LONG, head)]))
    }
  })

  for (const wire of cases) {
    it(`a body like that of ${wire.name}`, { timeout: 60_000 }, () => {
      const { method, headers } = wire
      const head = {
        method,
        rawPath: wire.path.toString(),
        rawQuery: wire.query.toString(),
        headers,
      }
      const identity = identified(head, wire.scope, wire.body)
      for (const unit of UNITS.filter((_, index) => index % 3 === 0)) {
        const body = Buffer.concat([wire.body, Buffer.from(many(unit, LONG / 4))])
        recordsOf(head, identity, body, { body })
      }
    })
  }

  it('a head', { timeout: 60_000 }, () => {
    // The HTTP parser takes 64 KiB of it.
    for (const unit of [
      ...UNITS.filter((_, index) => index % 4 === 0),
      's3.',
      's3express-a-',
      '-a',
      '.s3',
      '.dualstack',
      'X-Amz-Date=1&',
    ]) {
      const text = many(unit, 60_000).replace(/[^\x20-\x7e]/g, 'x')
      const heads = [
        { rawPath: `/${text}` },
        { rawQuery: text },
        { rawQuery: `X-Amz-Signature=${text}` },
        { headers: { host: `s3express-${text}.amazonaws.com!` } },
        { headers: { host: `${text}.amazonaws.com` } },
        { headers: { authorization: `AWS4-HMAC-SHA256 ${text}` } },
        {
          headers: {
            authorization: `AWS4-ECDSA-P256-SHA256 Credential=${text}`,
            'x-amz-region-set': text,
          },
        },
        { headers: { 'x-amz-target': text, 'content-type': text } },
      ]
      for (const facts of heads) {
        const head = { method: 'POST', rawPath: '/', rawQuery: '', headers: {}, ...facts }
        readClaim(head)
        canonicalRequests(head, 'dynamodb', Object.keys(head.headers), 'x')
        for (const signingName of ['s3', 'iam', 'lambda', undefined]) {
          const scope = signingName === undefined ? undefined : { signingName, region: 'r' }
          const identity = identified(head, scope, undefined)
          assert.equal(recordsOf(head, identity, undefined, undefined).length, 1)
        }
      }
    }
  })
})
