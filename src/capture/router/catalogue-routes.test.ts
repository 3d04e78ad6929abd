/** Every operation of the catalogue must be found again from the request that its template makes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headOf } from '../../../test/capture/captured-call.ts'
import type { RequestHead } from '../call.ts'
import { loadCatalogue, type Operation, type Service } from '../catalogue/catalogue.ts'
import type { IndexEntry } from '../catalogue/format.ts'
import { identify } from './identify.ts'
import { templateOf } from './template.ts'

const catalogue = loadCatalogue()
const identified = identify(catalogue)

/** The same bytes on the wire: the operation that CloudTrail names by the same event. */
const TWINS: Readonly<Record<string, string>> = {
  's3.GetBucketLifecycle': 'GetBucketLifecycleConfiguration',
  's3.PutBucketLifecycle': 'PutBucketLifecycleConfiguration',
  's3.GetBucketNotification': 'GetBucketNotificationConfiguration',
  's3.PutBucketNotification': 'PutBucketNotificationConfiguration',
}

const SCOPES: Readonly<Record<string, string>> = {
  's3.ListDirectoryBuckets': 's3express',
  's3.WriteGetObjectResponse': 's3-object-lambda',
}

const restHead = (
  service: Service,
  operation: Operation,
  uri: string,
  method: string,
): RequestHead => {
  const template = templateOf(uri)
  const path = template.segments.map((segment) => {
    if ('literal' in segment) return segment.literal
    return segment.greedy ? 'some%2Fkey/with/parts' : `label-${segment.label}`
  })
  const required = operation.required.filter((entry) => entry.startsWith('q:'))
  const query = [
    ...template.query.map(([key, value]) => (value === undefined ? key : `${key}=${value}`)),
    ...required.map((entry) => `${entry.slice(2)}=value`),
  ]
  const headers = Object.fromEntries(
    operation.required
      .filter((entry) => entry.startsWith('h:'))
      .map((entry) => [entry.slice(2), '1']),
  )
  const account = service.id === 's3control' ? { 'x-amz-account-id': '210000000001' } : {}
  return headOf({
    method,
    path: `/${path.join('/')}`,
    query: query.join('&'),
    headers: { ...headers, ...account },
  })
}

const rpcCall = (entry: IndexEntry, operation: Operation): [RequestHead, Buffer | undefined] => {
  const [protocol] = entry.protocols
  if (protocol === 'rpc-v2-cbor') {
    const path = `/service/${entry.target}/operation/${operation.name}`
    return [headOf({ path, headers: { 'smithy-protocol': 'rpc-v2-cbor' } }), undefined]
  }
  if (protocol === 'json') {
    const headers = { 'x-amz-target': `${entry.target}.${operation.name}` }
    return [headOf({ headers }), Buffer.from('{}')]
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const form = `Action=${operation.name}&Version=${entry.apiVersion}`
  return [headOf({ headers }), Buffer.from(form)]
}

const requestOf = (entry: IndexEntry, service: Service, operation: Operation) => {
  const { http } = operation
  return http === undefined
    ? rpcCall(entry, operation)
    : ([restHead(service, operation, http.uri, http.method), undefined] as const)
}

describe('the catalogue', () => {
  it('is identified, every operation of it', (t) => {
    const wrong: string[] = []
    let count = 0
    for (const entry of catalogue.index) {
      const service = catalogue.service(entry.id)
      assert.ok(service !== undefined)
      for (const operation of service.operations.values()) {
        const name = `${entry.id}.${operation.name}`
        const [head, body] = requestOf(entry, service, operation)
        const signingName = SCOPES[name] ?? entry.signingName
        const found = identified(head, { signingName, region: 'eu-west-1' }, body)
        count++
        const expected = TWINS[name] ?? operation.name
        if (found.serviceId !== entry.id || found.operation !== expected) {
          wrong.push(`${name} → ${found.serviceId}.${found.operation ?? found.eventName}`)
        }
      }
    }
    assert.deepEqual(wrong, [])
    t.diagnostic(`${count} operations of ${catalogue.index.length} services`)
    assert.ok(count > 6000)
  })
})
