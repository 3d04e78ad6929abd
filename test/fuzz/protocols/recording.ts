/** A call from its bytes to its records, with what must hold of every record. */
import assert from 'node:assert/strict'
import type { CallIdentity, CapturedAnswer, RequestHead } from '../../../src/capture/call.ts'
import { loadCatalogue } from '../../../src/capture/catalogue/catalogue.ts'
import { createRecordCall } from '../../../src/capture/record/record-call.ts'
import { identify } from '../../../src/capture/router/identify.ts'
import {
  ADDITIONAL_BYTES_MAX,
  CONTENT_BYTES_MAX,
  RECORD_BYTES_MAX,
  TEXT_BYTES_MAX,
} from '../../../src/event/size-caps.ts'
import { answerOf, callOf } from '../../capture/captured-call.ts'

export const catalogue = loadCatalogue()
export const identified = identify(catalogue)

const failures: unknown[] = []
const record = createRecordCall({ catalogue, failed: (error) => failures.push(error) })

const CAPS: Readonly<Record<string, number>> = {
  requestParameters: CONTENT_BYTES_MAX,
  responseElements: CONTENT_BYTES_MAX,
  additionalEventData: ADDITIONAL_BYTES_MAX,
}

export type Recorded = Readonly<Record<string, unknown>>

const checked = (text: Buffer, identity: CallIdentity): Recorded => {
  assert.ok(text.length <= RECORD_BYTES_MAX, `${text.length} bytes`)
  assert.ok(!text.includes(0x0a), 'one line')
  assert.ok(text.equals(Buffer.from(text.toString())), 'UTF-8')
  const value = JSON.parse(text.toString()) as Recorded
  assert.equal(value.eventSource, identity.eventSource)
  for (const [field, item] of Object.entries(value)) {
    if (typeof item === 'string') assert.ok(Buffer.byteLength(item) <= TEXT_BYTES_MAX, field)
    const cap = CAPS[field]
    // A number may be written in more digits than JavaScript writes it.
    if (cap !== undefined) assert.ok(Buffer.byteLength(JSON.stringify(item)) <= cap, field)
  }
  return value
}

/** The records of a call; throws where one is not as it must be, or its details were lost. */
export const recordsOf = (
  head: RequestHead,
  identity: CallIdentity,
  body: Buffer | undefined,
  answer: Partial<CapturedAnswer> | undefined,
): Recorded[] => {
  failures.length = 0
  const events = record(callOf(head, identity, body), answer && answerOf(answer))
  assert.deepEqual(failures, [], 'nothing inside may throw')
  assert.ok(events.length > 0)
  const records = events.map(({ text }) => checked(text, identity))
  assert.equal(records[0]?.eventName, identity.eventName)
  return records
}
