import assert from 'node:assert/strict'
import { it } from 'node:test'
import { shardOf } from './shard.ts'

it('puts an account and region into the same shard for ever', () => {
  // The first 32 bits of SHA-256 of "123456789012/us-east-1" are 0xeb805c6c.
  assert.equal(shardOf('123456789012', 'us-east-1', 1), 0)
  assert.equal(shardOf('123456789012', 'us-east-1', 4), 0xeb805c6c % 4)
  assert.equal(shardOf('123456789012', 'us-east-1', 1_000), 0xeb805c6c % 1_000)
})

it('spreads accounts evenly', () => {
  const counts = [0, 0, 0, 0]
  for (let account = 0; account < 4_000; account++) {
    const shard = shardOf(String(100_000_000_000 + account), 'eu-west-1', 4)
    counts[shard] = (counts[shard] ?? 0) + 1
  }
  for (const count of counts) assert.ok(count > 850 && count < 1_150, `${counts}`)
})
