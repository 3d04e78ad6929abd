/**
 * Requests and answers with broken bytes: named, decoded and recorded whatever they are, or refused
 * with a coded error; and never recorded as an operation that another reader would not see.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RequestHead } from '../../../src/capture/call.ts'
import { readClaim } from '../../../src/capture/signature/claim.ts'
import {
  ACCESS_KEY,
  directoryOf,
  testCredential,
} from '../../../src/capture/signature/signing.test-support.ts'
import { createSignatureVerifier } from '../../../src/capture/signature/verifier.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'
import { corpus, type WireCase } from './corpus.ts'
import { identified, recordsOf } from './recording.ts'

const cases = fc.constantFrom(...corpus)
/** What of a call is broken: mostly one place, so that the rest still leads there. */
const places = fc.record({
  path: fc.boolean(),
  query: fc.boolean(),
  headers: fc.boolean(),
  body: fc.boolean(),
  answer: fc.boolean(),
})
type Places = Readonly<Record<'path' | 'query' | 'headers' | 'body' | 'answer', boolean>>

/** node:http hands out one character for one byte. */
const text = (bytes: Buffer): string => bytes.toString('latin1')

const brokenHead = (wire: WireCase, broken: Places, changes: readonly Mutation[]): RequestHead => {
  const path = broken.path ? mutate(wire.path, changes) : wire.path
  const headers = Object.entries(wire.headers).map(([name, value], index): [string, string] => {
    const hit = broken.headers && index === (changes[0]?.at ?? 0) % 3
    return [name, hit ? text(mutate(Buffer.from(value), changes)) : value]
  })
  return {
    method: wire.method,
    rawPath: text(path).startsWith('/') ? text(path) : `/${text(path)}`,
    rawQuery: text(broken.query ? mutate(wire.query, changes) : wire.query),
    headers: { host: '127.0.0.1:4600', ...Object.fromEntries(headers) },
  }
}

describe('broken bytes', () => {
  it('of calls and answers are recorded as they can be', () =>
    holds<[WireCase, Places, Mutation[]]>(
      1000,
      [cases, places, mutations],
      (wire, broken, changes) => {
        const head = brokenHead(wire, broken, changes)
        const body = broken.body ? mutate(wire.body, changes) : wire.body
        const answer = broken.answer ? mutate(wire.answer, changes) : wire.answer
        const identity = identified(head, wire.scope, body)
        const { status, answerHeaders: headers } = wire
        recordsOf(head, identity, body, undefined)
        recordsOf(head, identity, body, { status, headers, body: answer })
      },
    ))

  it('of any kind at all are, in every protocol', () =>
    holds<[WireCase, Uint8Array, Uint8Array, string]>(
      150,
      [
        cases,
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ maxLength: 60 }),
      ],
      (wire, body, answer, target) => {
        const query = text(Buffer.from(target))
        const head = { ...brokenHead(wire, { ...NOTHING }, []), rawQuery: query }
        const identity = identified(head, wire.scope, Buffer.from(body))
        recordsOf(head, identity, Buffer.from(body), { body: Buffer.from(answer) })
        const cbor = { ...identity, protocol: 'rpc-v2-cbor' as const }
        recordsOf(head, cbor, Buffer.from(body), { body: Buffer.from(answer) })
      },
    ))

  it('of a head never verify, and never throw', () =>
    holds<[Mutation[], boolean, string]>(
      800,
      [mutations, fc.boolean(), fc.string({ maxLength: 20 })],
      async (changes, presigned, junk) => {
        const verifier = createSignatureVerifier({
          directory: directoryOf(testCredential()),
          clock: { now: () => Date.parse('2026-03-02T08:14:07Z') },
        })
        const signed = text(mutate(Buffer.from(presigned ? QUERY : AUTHORIZATION), changes))
        const head = {
          method: 'GET',
          rawPath: `/${text(Buffer.from(junk))}`,
          rawQuery: presigned ? signed : '',
          headers: {
            host: 'localhost',
            'x-amz-date': '20260302T081407Z',
            'x-amz-region-set': '*',
            ...(!presigned && { authorization: signed }),
          },
        }
        const claim = readClaim(head)
        if (claim === undefined || 'problem' in claim) return
        const verdict = await verifier.verify(head, claim)
        const refused = 'problem' in verdict || verdict.finish?.('0'.repeat(64)) !== undefined
        assert.ok(refused, signed)
      },
    ))
})

const NOTHING: Places = { path: false, query: false, headers: false, body: false, answer: false }
const SIGNATURE = '7d'.repeat(32)
const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20260302/eu-west-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=${SIGNATURE}`
const QUERY = `X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=${ACCESS_KEY}%2F20260302%2Fs3%2Faws4_request&X-Amz-Date=20260302T081407Z&X-Amz-Expires=60&X-Amz-Region-Set=%2A&X-Amz-SignedHeaders=host%3Bx-amz-date%3Bx-amz-region-set&X-Amz-Signature=3044${SIGNATURE}`
