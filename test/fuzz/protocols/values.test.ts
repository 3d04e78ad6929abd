/**
 * A request of any operation, made of the model by code of the tests, is named as that operation,
 * and its record says what was sent: nothing else, and nothing in another place.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestHead } from '../../../src/capture/call.ts'
import { UNKNOWN_SHAPE } from '../../../src/capture/catalogue/shapes.ts'
import { MARKERS } from '../../../src/event/redaction.ts'
import { jsonValue, requestFor } from '../../capture/serialise.ts'
import { holds } from '../runs.ts'
import { cborOf } from './cbor-writer.ts'
import { leavesOf } from './leaves.ts'
import { callsOf, type Named, operationsOf, type Values } from './operations.ts'
import { identified, recordsOf } from './recording.ts'

const HIDDEN: ReadonlySet<unknown> = new Set(Object.values(MARKERS))

const checkRecord = ({ entry, operation }: Named, values: Values, parameters: unknown): void => {
  const sent = leavesOf(values)
  const where = `${entry.id}.${operation.name}`
  for (const [path, text] of leavesOf(parameters)) {
    // Some URI templates have constants of their own: `?mode=import`.
    if (HIDDEN.has(text) || operation.http?.uri.includes(`=${text}`) === true) continue
    const wanted = sent.get(path)
    // Dates are written in the style of the service.
    if (wanted !== undefined && /^\d+$/.test(wanted) && text !== wanted) continue
    assert.equal(text, wanted, `${where}${path}`)
  }
}

/** Sends `values` decoded otherwise than it was encoded: by the code under test. */
const check = (
  { entry, operation }: Named,
  values: Values,
  { head, body }: { head: RequestHead; body: Buffer | undefined },
): void => {
  const scope = { signingName: entry.signingName, region: 'eu-west-1' }
  const identity = identified(head, scope, body)
  assert.equal(identity.operation, operation.name, `${entry.id}: ${head.rawPath}`)
  assert.equal(identity.serviceId, entry.id)
  const [record] = recordsOf(head, identity, body, {})
  checkRecord({ entry, operation }, values, record?.requestParameters)
}

describe('requestParameters say what was sent', () => {
  for (const protocol of ['json', 'query', 'rest-json']) {
    const named = operationsOf([protocol])
    it(protocol, () =>
      holds<[[string, Values]]>(150, [callsOf(named)], ([name, values]) => {
        const one = named.get(name)
        assert.ok(one)
        check(one, values, requestFor(one.entry, one.operation, values))
      }),
    )
  }

  const named = operationsOf(['json'])
  it('rpc-v2-cbor', () =>
    holds<[[string, Values]]>(80, [callsOf(named)], ([name, values]) => {
      const one = named.get(name)
      assert.ok(one)
      const { entry, operation } = one
      const head = {
        method: 'POST',
        rawPath: `/service/${entry.target ?? ''}/operation/${operation.name}`,
        rawQuery: '',
        headers: { host: 'localhost', 'smithy-protocol': 'rpc-v2-cbor' },
      }
      check(one, values, {
        head,
        body: cborOf(jsonValue(operation.input ?? UNKNOWN_SHAPE, values)),
      })
    }))
})
