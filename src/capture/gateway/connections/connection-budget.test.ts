import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GATEWAY_LIMITS } from '../gateway-options.ts'
import { connectionBudget } from './connection-budget.ts'

const SETTINGS = { connectionsMax: 4_096, upstreamSocketsMax: 512 }

test('with files enough, the settings hold', () => {
  const whole = { served: 4_096, surplus: 1_024, upstream: 512 }
  assert.deepEqual(connectionBudget(SETTINGS, undefined), whole)
  assert.deepEqual(connectionBudget(SETTINGS, 20_000), whole)
})

test('with few files, sockets leave some for the journal', () => {
  for (const files of [512, 1_024, 4_096, 8_192]) {
    const { served, surplus, upstream } = connectionBudget(SETTINGS, files)
    assert.ok(served + surplus + 2 * upstream <= files - 384, String(files))
    assert.ok(served > upstream && upstream > 0)
  }
  assert.deepEqual(connectionBudget(GATEWAY_LIMITS, 100), { served: 1, surplus: 1, upstream: 1 })
})
