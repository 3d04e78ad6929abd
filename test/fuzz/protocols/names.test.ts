/** What a call is recorded as is what every reader of it would carry out, or it is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { holds } from '../runs.ts'
import { identified } from './recording.ts'

const NAMES = ['GetUser', 'DeleteUser', 'ListQueues', 'DeleteQueue', 'ListKeys']
const part = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => `Action=${name}`),
  fc.constantFrom(...NAMES).map((name) => `%41ction=${name}`),
  fc.constantFrom(...NAMES).map((name) => `Acti%6Fn=${name.replace('e', '%65')}`),
  fc.constantFrom('Version=2010-05-08', 'UserName=a', 'Actio=n', 'x', '', 'Action2=b', 'action=c'),
)
const form = fc.array(part, { maxLength: 3 }).map((parts) => parts.join('&'))
const types = fc.constantFrom(
  undefined,
  'application/x-www-form-urlencoded',
  'Application/X-WWW-Form-Urlencoded; charset=utf-8',
  'application/x-amz-json-1.1',
)

interface Call {
  readonly method: string
  readonly query: string
  readonly body: string
  readonly type: string | undefined
  readonly target: string | undefined
  readonly cbor: string | undefined
  readonly service: string
}

const calls: fc.Arbitrary<Call> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'GET'),
  query: form,
  body: form,
  type: types,
  target: fc.option(
    fc.constantFrom(...NAMES).map((name) => `Some_2010.${name}`),
    { nil: undefined, freq: 3 },
  ),
  cbor: fc.option(fc.constantFrom(...NAMES), { nil: undefined, freq: 6 }),
  service: fc.constantFrom('iam', 'sqs', 'kms'),
})

/** Independent readers: the first or the last of a name, in the query or in the form. */
const readersOf = ({ query, body, type, target, cbor }: Call): string[] => {
  const isForm =
    type?.toLowerCase().includes('form') ?? (target === undefined && cbor === undefined)
  return [query, isForm ? body : ''].flatMap((text) => new URLSearchParams(text).getAll('Action'))
}

describe('the name of a call', () => {
  it('is the one that every reader finds, or the call is refused', () =>
    holds<[Call]>(1000, [calls], (call) => {
      const { method, query, body, type, target, cbor, service } = call
      const head = {
        method,
        rawPath: cbor === undefined ? '/' : `/service/X/operation/${cbor}`,
        rawQuery: query,
        headers: {
          host: 'localhost',
          ...(type !== undefined && { 'content-type': type }),
          ...(target !== undefined && { 'x-amz-target': target }),
          ...(cbor !== undefined && { 'smithy-protocol': 'rpc-v2-cbor' }),
        },
      }
      const scope = { signingName: service, region: 'eu-west-1' }
      const identity = identified(head, scope, Buffer.from(body))
      const names = new Set([
        ...readersOf(call),
        ...(target === undefined ? [] : [target.split('.')[1] ?? '']),
        ...(cbor === undefined ? [] : [cbor]),
      ])
      const places = [target, cbor, readersOf(call)[0]].filter((place) => place !== undefined)
      if ((names.size > 1 || places.length > 1) && identity.operation !== undefined)
        assert.equal(identity.conflict, true)
      if (names.size === 1 && identity.operation !== undefined) {
        assert.ok(names.has(identity.operation))
      }
      if (names.size === 0) assert.equal(identity.operation, undefined)
    }))

  it('is looked for in a time that the length of a form bounds', { timeout: 60_000 }, () => {
    const head = { method: 'POST', rawPath: '/', rawQuery: '', headers: { host: 'localhost' } }
    const scope = { signingName: 'iam', region: 'eu-west-1' }
    for (const unit of [
      '&',
      '=',
      'a',
      '%',
      '%4',
      'Action',
      'Action&',
      '&Action=',
      '=&',
      '+',
      '.',
    ]) {
      const body = Buffer.from(unit.repeat((1024 * 1024) / unit.length))
      identified(head, scope, body)
    }
  })
})
