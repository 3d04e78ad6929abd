import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { trailBucketPolicy } from '../trails/testing/bucket-policy.ts'
import { bodyOf, createApiFixture, ROOT, TARGET, USER } from './testing/api-fixture.ts'

/** One request and its answer; without `output` only the status counts. */
interface Step {
  readonly operation?: string
  readonly input?: unknown
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly bodyHex?: string
  readonly region?: string
  readonly caller?: 'user'
  readonly status: number
  readonly output?: unknown
}

interface Golden {
  readonly provenance: string
  /** Name to policy: null for the one that trails need, '' for none at all. */
  readonly buckets?: Record<string, string | null>
  readonly steps: readonly Step[]
}

const FOLDER = join(import.meta.dirname, '..', '..', 'test', 'golden', 'wire')

const requestOf = (step: Step): Buffer => {
  if (step.bodyHex !== undefined) return Buffer.from(step.bodyHex, 'hex')
  return Buffer.from(step.body ?? JSON.stringify(step.input))
}

const run = async (golden: Golden): Promise<void> => {
  await using api = await createApiFixture()
  for (const [name, policy] of Object.entries(golden.buckets ?? { logs: null })) {
    api.addBucket(name, policy ?? trailBucketPolicy(name))
  }
  for (const [index, step] of golden.steps.entries()) {
    const answer = await api.raw(requestOf(step), {
      headers: step.headers ?? { 'x-amz-target': `${TARGET}${step.operation}` },
      caller: step.caller === 'user' ? USER : ROOT,
      ...(step.region === undefined ? {} : { region: step.region }),
    })
    const text = (await bodyOf(answer)).toString()
    const place = `step ${index + 1} ${step.operation ?? ''}: ${text}`
    assert.equal(answer.status, step.status, place)
    if (step.output !== undefined) assert.deepEqual(JSON.parse(text), step.output, place)
    assert.equal(answer.headers['content-type'], 'application/x-amz-json-1.1')
    assert.match(answer.headers['x-amzn-requestid'] ?? '', /^[0-9a-f-]{36}$/)
    api.now += 1_000
  }
}

for (const file of readdirSync(FOLDER).sort()) {
  const golden = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Golden
  test(`wire: ${file}`, () => run(golden))
}
