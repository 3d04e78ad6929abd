import { hash } from 'node:crypto'
import type { Shard } from './journal.ts'

/**
 * The shard of an account's events in a region, `count` being the journal's number of shards. The
 * same on every machine and for ever: SHA-256 of `account/region`, its first 32 bits modulo `count`.
 */
export const shardOf = (account: string, region: string, count: number): Shard =>
  count === 1 ? 0 : hash('sha256', `${account}/${region}`, 'buffer').readUInt32BE(0) % count
