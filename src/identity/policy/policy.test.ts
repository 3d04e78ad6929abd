import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { requestContext } from './context.ts'
import { evaluateResourcePolicy } from './evaluate.ts'
import { BUCKET_POLICY_BYTES_MAX, PolicyError, type PolicyKind, parsePolicy } from './parse.ts'
import { COMPILED_POLICIES_MAX, createPolicyCache } from './policy-cache.ts'
import type { RequestPrincipal } from './principal.ts'

interface Request {
  readonly expect: 'allow' | 'deny' | 'none'
  readonly why?: string
  readonly principal: RequestPrincipal
  readonly action: string
  readonly resource: string
  readonly context?: Record<string, string | string[]>
}

interface Case {
  readonly name: string
  readonly provenance: string
  readonly kind?: PolicyKind
  readonly policy: object
  readonly requests: readonly Request[]
}

interface MalformedCase {
  readonly name: string
  readonly kind: PolicyKind
  readonly policy: string
  readonly message: string
}

const folder = join(import.meta.dirname, '../../../test/golden/policy')
const readCases = <Type>(file: string): Type[] =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as Type[]

describe('policy evaluation', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    for (const golden of readCases<Case>(file)) {
      it(`${golden.name} (${file})`, () => {
        assert.ok(golden.provenance.length > 0 && golden.requests.length > 0)
        const policy = parsePolicy(JSON.stringify(golden.policy), golden.kind ?? 'bucket')
        for (const request of golden.requests) {
          const context = requestContext(request.context ?? {})
          const decision = evaluateResourcePolicy(policy, { ...request, context })
          assert.equal(decision, request.expect, JSON.stringify(request))
        }
      })
    }
  }
})

describe('policy grammar', () => {
  for (const golden of readCases<MalformedCase>('malformed/malformed.json')) {
    it(`refuses: ${golden.name}`, () => {
      assert.throws(
        () => parsePolicy(golden.policy, golden.kind),
        (error) =>
          error instanceof PolicyError &&
          error.code === 'malformed' &&
          error.message.includes(golden.message),
      )
    })
  }

  it('has limits of size', () => {
    const statement = {
      Sid: 'x'.repeat(BUCKET_POLICY_BYTES_MAX),
      Effect: 'Allow',
      Principal: '*',
      Action: '*',
    }
    const tooLarge = (error: unknown): boolean =>
      error instanceof PolicyError && error.code === 'too-large'
    const bucket = JSON.stringify({ Statement: { ...statement, Resource: '*' } })
    assert.throws(() => parsePolicy(bucket, 'bucket'), tooLarge)
    assert.throws(() => parsePolicy(JSON.stringify({ Statement: statement }), 'trust'), tooLarge)
    const spaced = JSON.stringify({ Statement: { ...statement, Sid: 'x' } }, undefined, 10)
    parsePolicy(spaced + ' '.repeat(10_000), 'trust')
  })

  it('throws nothing but PolicyError, whatever the text', () => {
    const element = fc.oneof(fc.constantFrom('*', 'Allow', 'arn:aws:s3:::a', '${a'), fc.jsonValue())
    const names = ['Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'Condition', 'Sid']
    const statement = fc.dictionary(fc.constantFrom(...names), element)
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ Statement: fc.oneof(statement, fc.array(statement)) })
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(text, fc.constantFrom('bucket', 'trust'), (json, kind) => {
        try {
          parsePolicy(json, kind)
        } catch (error) {
          assert.ok(error instanceof PolicyError, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('compiles a policy full of unfinished variables in no time', () => {
    const Resource = `arn:aws:s3:::${'${a'.repeat(6_000)}`
    const Statement = { Effect: 'Allow', Principal: '*', Action: '*', Resource }
    const policy = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'bucket')
    assert.equal(policy.statements.length, 1)
  })

  it('takes deep nesting without a crash', () => {
    const depth = 10_000
    assert.throws(() => parsePolicy('['.repeat(depth) + ']'.repeat(depth), 'bucket'), PolicyError)
  })
})

describe('policy cache', () => {
  it('compiles a text once and keeps a bounded number', () => {
    const cache = createPolicyCache('trust')
    const text = (sid: number): string =>
      JSON.stringify({
        Statement: { Sid: `s${sid}`, Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' },
      })
    const first = cache(text(0))
    assert.equal(cache(text(0)), first)
    for (let sid = 1; sid <= COMPILED_POLICIES_MAX; sid++) cache(text(sid))
    assert.notEqual(cache(text(0)), first)
    assert.throws(() => cache('{}'), PolicyError)
  })
})
