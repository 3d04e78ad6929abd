/**
 * Against real CloudTrail events: a request is made from each record's parameters, and the record
 * that Clew writes of it must have the same keys (and, where they are the caller's, values).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerOf, callOf, headOf } from '../../../test/capture/captured-call.ts'
import { type RealEvent, realEvents } from '../../../test/capture/real-events.ts'
import { isObject } from '../../event/plain-json.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { identify } from '../router/identify.ts'
import { isLegacyEc2 } from '../services/ec2-legacy.ts'
import { apiVersionOf, eventNameOf, eventSourceOf } from '../services/names.ts'
import { createRecordCall } from './record-call.ts'

const events = realEvents()
const skip =
  events === undefined ? 'SKIPPED: no real events beside the checkout (shared/data)' : false

const catalogue = loadCatalogue()
const identified = identify(catalogue)
const record = createRecordCall({ catalogue })

const from = (source: string): RealEvent[] =>
  (events ?? []).filter(
    (event) => event.eventSource === `${source}.amazonaws.com` && isObject(event.requestParameters),
  )

/** Names of CloudTrail → operation of the catalogue. */
const operationsOf = (serviceId: string) =>
  new Map(
    [...(catalogue.service(serviceId)?.operations.values() ?? [])].map((operation) => [
      eventNameOf(serviceId, operation.name),
      operation,
    ]),
  )

const xmlOf = (name: string, value: unknown): string => {
  if (Array.isArray(value)) return value.map((item) => xmlOf(name, item)).join('')
  if (!isObject(value)) return `<${name}>${String(value)}</${name}>`
  const { xmlns, ...rest } = value
  const inner = Object.entries(rest).map(([key, item]) => xmlOf(key, item))
  const attribute = typeof xmlns === 'string' ? ` xmlns="${xmlns}"` : ''
  return `<${name}${attribute}>${inner.join('')}</${name}>`
}

/** The request that an S3 record tells of. */
const s3Request = (event: RealEvent, method: string) => {
  const { bucketName, Host, key, bucketPolicy, ...rest } = event.requestParameters ?? {}
  const entries = Object.entries(rest)
  const headers = entries.filter(([name]) => name.startsWith('x-amz-'))
  const body = entries.find(([, value]) => isObject(value))
  const query = entries.filter(([name, value]) => !name.startsWith('x-amz-') && !isObject(value))
  const host = String(Host)
  const virtual = typeof bucketName !== 'string' || host.startsWith(`${bucketName}.`)
  const prefix = virtual ? '' : `/${bucketName}`
  const text =
    bucketPolicy !== undefined
      ? JSON.stringify(bucketPolicy)
      : body === undefined
        ? undefined
        : xmlOf(...body)
  return {
    head: headOf({
      method,
      path: `${prefix}/${typeof key === 'string' ? encodeURIComponent(key) : ''}`,
      query: query.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&'),
      headers: { host, ...(Object.fromEntries(headers) as Record<string, string>) },
    }),
    body: text === undefined ? undefined : Buffer.from(text),
  }
}

const parsed = (text: Buffer | undefined): RealEvent => JSON.parse(String(text)) as RealEvent

const keysOf = (value: unknown): string[] => (isObject(value) ? Object.keys(value).sort() : [])

const resourceKeys = (event: RealEvent): string[] =>
  (event.resources ?? []).map((item) => `${String(item.type)}:${keysOf(item).join()}`).sort()

describe('real events', { skip }, () => {
  it('of S3 have the same parameters, additional data and resources', (t) => {
    const operations = operationsOf('s3')
    let compared = 0
    for (const event of from('s3')) {
      const operation = operations.get(event.eventName)
      if (operation?.http === undefined || !isObject(event.additionalEventData)) continue
      // An older form of the records, of 2020: no byte counts.
      if (!('bytesTransferredIn' in event.additionalEventData)) continue
      const { head, body } = s3Request(event, operation.http.method)
      const identity = identified(head, { signingName: 's3', region: 'us-east-1' }, body)
      assert.equal(identity.eventName, event.eventName)
      const tls = { version: 'TLSv1.2', cipherSuite: 'ECDHE-RSA-AES128-GCM-SHA256' }
      const answer = answerOf({
        headers: { 'x-amz-id-2': 'id' },
        status: event.errorCode ? 404 : 200,
      })
      const [sealed] = record(callOf(head, identity, body, { tls }), answer)
      const made = parsed(sealed?.text)
      assert.deepEqual(made.requestParameters, event.requestParameters)
      assert.equal(made.readOnly, event.readOnly)
      assert.equal(made.eventCategory, event.eventCategory)
      if (event.eventCategory === 'Management') {
        assert.deepEqual(keysOf(made.additionalEventData), keysOf(event.additionalEventData))
      }
      if (event.errorCode !== 'NoSuchBucket')
        assert.deepEqual(resourceKeys(made), resourceKeys(event))
      compared++
    }
    t.diagnostic(`${compared} events`)
    assert.ok(compared > 200)
  })

  it('of STS have the same parameters, elements and resources', (t) => {
    let compared = 0
    for (const event of from('sts')) {
      if (event.eventName !== 'AssumeRole' || !isObject(event.responseElements)) continue
      const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
      const form = Object.entries(event.requestParameters ?? {})
        .filter(([, value]) => typeof value !== 'object')
        .map(([name, value]) => `${upper(name)}=${encodeURIComponent(String(value))}`)
      const xml = JSON.stringify(event.responseElements, null, 0)
      const named = JSON.parse(xml, (_key, value: unknown) =>
        isObject(value)
          ? Object.fromEntries(Object.entries(value).map(([name, item]) => [upper(name), item]))
          : value,
      ) as Record<string, unknown>
      const text = `Action=AssumeRole&Version=2011-06-15&${form.join('&')}`
      const head = headOf({ headers: { 'content-type': 'application/x-www-form-urlencoded' } })
      const body = Buffer.from(text)
      const identity = identified(head, { signingName: 'sts', region: 'us-east-1' }, body)
      const reply = `<AssumeRoleResponse>${xmlOf('AssumeRoleResult', named)}</AssumeRoleResponse>`
      const [sealed] = record(callOf(head, identity, body), answerOf({ body: Buffer.from(reply) }))
      const made = parsed(sealed?.text)
      const scalars = Object.entries(event.requestParameters ?? {}).filter(
        ([, v]) => typeof v !== 'object',
      )
      assert.deepEqual(made.requestParameters, Object.fromEntries(scalars))
      assert.deepEqual(keysOf(made.responseElements), keysOf(event.responseElements))
      assert.deepEqual(
        keysOf(made.responseElements?.credentials),
        keysOf(event.responseElements.credentials),
      )
      // A service's calls carry none; the caller's own do.
      if (event.resources !== undefined) assert.deepEqual(resourceKeys(made), resourceKeys(event))
      compared++
    }
    t.diagnostic(`${compared} events`)
    assert.ok(compared > 20)
  })

  it('of EC2 show which operations are wrapped', (t) => {
    const wrong = new Set<string>()
    const names = new Set<string>()
    for (const { eventName, requestParameters } of from('ec2')) {
      names.add(eventName)
      const wrapped = requestParameters !== null && `${eventName}Request` in requestParameters
      if (wrapped === isLegacyEc2(eventName)) wrong.add(eventName)
    }
    // Delivered by EC2 itself, not called.
    wrong.delete('SharedSnapshotVolumeCreated')
    assert.deepEqual([...wrong], [])
    t.diagnostic(`${names.size} operations`)
  })

  it('agree on names, readOnly and apiVersion', (t) => {
    const known = new Map<string, { readOnly: boolean; id: string }>()
    for (const { id, signingName } of catalogue.index) {
      for (const operation of catalogue.service(id)?.operations.values() ?? []) {
        const source = eventSourceOf(signingName, id)
        const name = eventNameOf(id, operation.name, { signingName })
        known.set(`${source} ${name}`, { readOnly: operation.readOnly, id })
      }
    }
    const wrong = new Set<string>()
    const pairs = new Set<string>()
    for (const { eventSource, eventName, readOnly, apiVersion } of events ?? []) {
      const pair = `${eventSource} ${eventName}`
      const operation = known.get(pair)
      if (operation === undefined || readOnly === undefined) continue
      pairs.add(pair)
      // Load balancers have two services, told apart by the version alone.
      if (!operation.id.startsWith('elb'))
        assert.equal(apiVersionOf(operation.id), apiVersion, pair)
      if (operation.readOnly !== readOnly) wrong.add(pair)
    }
    assert.deepEqual([...wrong], [])
    t.diagnostic(`${pairs.size} pairs of source and name`)
    assert.ok(pairs.size > 150)
  })
})
