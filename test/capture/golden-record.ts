/** One case of test/golden/records: a request and its answer as they were on the wire. */
import type { CapturedAnswer, CapturedCall, SigningScope } from '../../src/capture/call.ts'
import type { Catalogue } from '../../src/capture/catalogue/catalogue.ts'
import { createRecordCall } from '../../src/capture/record/record-call.ts'
import { identify } from '../../src/capture/router/identify.ts'
import { answerOf, callOf, headOf } from './captured-call.ts'

export interface GoldenRecord {
  /** Where the expectation comes from. */
  readonly provenance: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly query: string
    readonly headers: Readonly<Record<string, string>>
    readonly scope?: SigningScope
    readonly body?: string
  }
  /** Parts of the captured call that differ from the usual ones; `signature: null` for none. */
  readonly call?: Omit<Partial<CapturedCall>, 'signature'> & {
    readonly signature?: CapturedCall['signature'] | null
  }
  /** Null for the intent's record. */
  readonly answer: (Omit<CapturedAnswer, 'body' | 'completedAt'> & { readonly body: string }) | null
  readonly expected: readonly unknown[]
}

const USUAL = { method: 'AuthHeader', version: 'SigV4' } as const

export const recordsOf = (catalogue: Catalogue, golden: GoldenRecord): unknown[] => {
  let ids = 0
  const record = createRecordCall({ catalogue, newId: () => `key-${++ids}` })
  const { method, path, query, headers, scope } = golden.request
  const head = headOf({ method, path, query, headers })
  const body = golden.request.body === undefined ? undefined : Buffer.from(golden.request.body)
  const identity = identify(catalogue)(head, scope, body)
  const { signature = USUAL, ...more } = golden.call ?? {}
  const { signature: _, ...call } = callOf(head, identity, body, more)
  const signed = signature === null ? call : { ...call, signature }
  const { answer } = golden
  const answered =
    answer === null ? undefined : answerOf({ ...answer, body: Buffer.from(answer.body) })
  return record(signed, answered).map((event) => JSON.parse(event.text.toString()) as unknown)
}
