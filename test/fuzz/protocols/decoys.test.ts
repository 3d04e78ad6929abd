/**
 * What a service does not read must not take the place, in a record, of what it does read: members
 * in another spelling, a body's word for what the path says, parameters with the record's own names.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RequestHead } from '../../../src/capture/call.ts'
import { requestFor } from '../../capture/serialise.ts'
import { holds } from '../runs.ts'
import { leavesOf } from './leaves.ts'
import { callsOf, type Named, operationsOf, type Values } from './operations.ts'
import { identified, recordsOf } from './recording.ts'

const DECOY = 'decoy'

const respelled = (name: string): string =>
  name.charAt(0) === name.charAt(0).toLowerCase()
    ? name.charAt(0).toUpperCase() + name.slice(1)
    : name.charAt(0).toLowerCase() + name.slice(1)

/** Names that the service does not know, and that look like its own in a record. */
const decoysOf = ({ operation }: Named, values: Values): string[] => {
  const members = operation.input?.members ?? []
  const known = new Set(
    members.flatMap(({ name, wire, location }) => (location ? [] : [name, wire])),
  )
  return members
    .filter(({ name }) => name in values)
    .flatMap(({ name, location }) => (location === undefined ? [respelled(name)] : [name]))
    .filter((name) => !known.has(name))
}

const parametersOf = ({ entry }: Named, head: RequestHead, body: Buffer | undefined): unknown => {
  const scope = { signingName: entry.signingName, region: 'eu-west-1' }
  return recordsOf(head, identified(head, scope, body), body, {})[0]?.requestParameters
}

const assertTrue = (values: Values, parameters: unknown): void => {
  const sent = leavesOf(values)
  for (const [path, text] of leavesOf(parameters)) {
    if (text === DECOY) assert.ok(!sent.has(path), `${path} is said by the decoy`)
  }
}

describe('a decoy takes no member’s place', () => {
  for (const protocol of ['json', 'rest-json']) {
    const named = operationsOf([protocol])
    it(`in a body of ${protocol}`, () =>
      holds<[[string, Values], boolean]>(
        100,
        [callsOf(named), fc.boolean()],
        ([name, values], first) => {
          const one = named.get(name)
          assert.ok(one)
          const { head, body } = requestFor(one.entry, one.operation, values)
          const text = body?.toString() ?? ''
          if (!text.startsWith('{')) return
          const decoys = Object.fromEntries(decoysOf(one, values).map((key) => [key, DECOY]))
          const content = JSON.parse(text) as Values
          const both = first ? { ...decoys, ...content } : { ...content, ...decoys }
          assertTrue(values, parametersOf(one, head, Buffer.from(JSON.stringify(both))))
        },
      ))
  }

  const named = operationsOf(['query'])
  it('in a form, nor in the query string of a form', () =>
    holds<[[string, Values], boolean, boolean]>(
      100,
      [callsOf(named), fc.boolean(), fc.boolean()],
      ([name, values], first, inQuery) => {
        const one = named.get(name)
        assert.ok(one)
        const { head, body } = requestFor(one.entry, one.operation, values)
        const text = body?.toString() ?? ''
        const scalars = Object.keys(values).filter((key) => typeof values[key] === 'string')
        if (inQuery) {
          const rawQuery = scalars.map((key) => `${key}=${DECOY}`).join('&')
          const scope = { signingName: one.entry.signingName, region: 'eu-west-1' }
          const { conflict } = identified({ ...head, rawQuery }, scope, body)
          assert.equal(conflict, scalars.length > 0 ? true : undefined)
          return
        }
        const pairs = decoysOf(one, values).map((key) => `${key}=${DECOY}`)
        const form = (first ? [...pairs, text] : [text, ...pairs]).join('&')
        assertTrue(values, parametersOf(one, head, Buffer.from(form)))
      },
    ))

  it('in what S3 is told: bucket, key and host are the addressed ones', () => {
    const scope = { signingName: 's3', region: 'eu-west-1' }
    const facts = ['bucketName', 'key', 'Host'].map((name) => `${name}=${DECOY}`)
    const head = {
      method: 'PUT',
      rawPath: '/bucket/object',
      rawQuery: `tagging&${facts.join('&')}`,
      headers: { host: 'localhost' },
    }
    for (const root of ['Tagging', 'bucketName', 'key', 'Host']) {
      const body = Buffer.from(`<${root}>${DECOY}</${root}>`)
      const identity = identified(head, scope, body)
      const parameters = recordsOf(head, identity, body, {})[0]?.requestParameters as Values
      assert.deepEqual(
        [parameters.bucketName, parameters.key, parameters.Host],
        ['bucket', 'object', 'localhost'],
      )
    }
  })
})
