import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { answerOf, callOf, headOf } from '../../../test/capture/captured-call.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { identify } from '../router/identify.ts'
import { createRecordCall } from './record-call.ts'

const catalogue = loadCatalogue()
const identified = identify(catalogue)

const failures: unknown[] = []
const record = createRecordCall({ catalogue, failed: (error) => failures.push(error) })

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

const requests = {
  sts: [headOf({ headers: FORM }), 'Action=AssumeRole&Version=2011-06-15&'],
  ec2: [headOf({ headers: FORM }), 'Action=CreateNatGateway&Version=2016-11-15&'],
  s3: [headOf({ method: 'PUT', path: '/bucket', query: 'tagging' }), ''],
  dynamodb: [headOf({ headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem' } }), ''],
  route53: [headOf({ path: '/2013-04-01/hostedzone' }), ''],
  lambda: [headOf({ path: '/2015-03-31/functions' }), ''],
  future: [headOf({ headers: { 'x-amz-target': 'Future.Do' } }), ''],
} as const

type Name = keyof typeof requests

const recorded = (name: Name, body: Buffer, answer?: Parameters<typeof answerOf>[0]) => {
  const [head, prefix] = requests[name]
  const whole = Buffer.concat([Buffer.from(prefix), body])
  const identity = identified(head, { signingName: name, region: 'eu-west-1' }, whole)
  const events = record(callOf(head, identity, whole), answer && answerOf(answer))
  return events.map(
    (event) => JSON.parse(event.text.toString()) as Record<string, Record<string, unknown> | null>,
  )
}

describe('recordCall', () => {
  it('keeps session tokens of STS when a setting says so, and no secret key ever', () => {
    const keeping = createRecordCall({ catalogue, keepSessionTokens: true })
    const [head, body] = requests.sts
    const identity = identified(head, { signingName: 'sts', region: 'r' }, Buffer.from(body))
    const answer = answerOf({
      body: Buffer.from(
        '<R><AssumeRoleResult><Credentials><SecretAccessKey>topsecret</SecretAccessKey><SessionToken>kept</SessionToken></Credentials></AssumeRoleResult></R>',
      ),
    })
    const call = callOf(head, identity, Buffer.from(body))
    assert.match(String(keeping(call, answer)[0]?.text), /"credentials":\{"sessionToken":"kept"\}/)
    assert.match(String(record(call, answer)[0]?.text), /"sessionToken":"HIDDEN_DUE_TO_SECURITY/)
  })

  it('says when a body was too large to be read', () => {
    const body = Buffer.from(JSON.stringify({ ThingName: 'x'.repeat(1024 * 1024) }))
    assert.deepEqual(recorded('future', body, {})[0]?.requestParameters, {
      reason: 'requestParameters too large',
      omitted: 'true',
      originalSize: String(body.length),
    })
    // An object is no parameter, however large.
    const [head] = [headOf({ method: 'PUT', path: '/bucket/key' })]
    const identity = identified(head, { signingName: 's3', region: 'r' }, undefined)
    const [event] = record(callOf(head, identity, Buffer.alloc(2 ** 21)), answerOf())
    assert.match(String(event?.text), /"requestParameters":\{"bucketName":"bucket"/)
  })

  it('keeps numbers as they were written', () => {
    const [head] = requests.future
    const identity = identified(head, { signingName: 'future', region: 'r' }, undefined)
    const body = Buffer.from('{"Rate":243.0,"Id":12345678901234567890}')
    const [event] = record(callOf(head, identity, body), answerOf())
    assert.match(String(event?.text), /\{"rate":243\.0,"id":12345678901234567890\}/)
  })

  it('writes one event, with the identity of the call, for the intent too', () => {
    const [intent] = recorded('lambda', Buffer.from('{"FunctionName":"f"}'))
    assert.equal(intent?.responseElements, null)
    assert.equal(intent?.errorCode, undefined)
    assert.equal(intent?.additionalEventData, undefined)
    assert.deepEqual(intent?.userIdentity?.type, 'Root')
  })

  it('does not let a key of a body reach a prototype', () => {
    const [event] = recorded('future', Buffer.from('{"__proto__":{"polluted":true},"a":1}'), {})
    assert.equal(Object.hasOwn(event?.requestParameters ?? {}, '__proto__'), true)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('never throws, whatever the bytes, and always writes one line of JSON', () => {
    const names = fc.constantFrom(...(Object.keys(requests) as Name[]))
    const xml = fc
      .array(
        fc.constantFrom('<a>', '</a>', '<b/>', '<Error>', '&amp;', '<![CDATA[', ']]>', 'x', '"'),
      )
      .map((parts) => parts.join(''))
    const form = fc
      .array(fc.tuple(fc.constantFrom('Tags', 'member', '1', '2', 'Key', '', '%zz'), fc.string()))
      .map((parts) => parts.map(([name, value]) => `${name}.1.${name}=${value}`).join('&'))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text)),
      xml.map((text) => Buffer.from(text)),
      form.map((text) => Buffer.from(text)),
    )
    failures.length = 0
    fc.assert(
      fc.property(
        names,
        bytes,
        bytes,
        fc.constantFrom(200, 302, 404, 500, 0),
        (name, body, reply, status) => {
          const events = recorded(name, Buffer.from(body), { status, body: Buffer.from(reply) })
          assert.ok(events.length >= 1)
          for (const event of events) assert.equal(event.eventVersion, '1.11')
        },
      ),
      { numRuns: 600 },
    )
    assert.deepEqual(failures, [])
  })

  it('survives what nests without end', () => {
    const deep = Buffer.from(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)
    assert.equal(recorded('future', deep, {}).length, 1)
    const xml = Buffer.from('<a>'.repeat(50_000))
    assert.equal(recorded('s3', xml, {}).length, 1)
    const dots = Buffer.from(`${'A.'.repeat(50_000)}=1`)
    assert.equal(recorded('sts', dots, {}).length, 1)
    assert.deepEqual(failures, [])
  })
})
