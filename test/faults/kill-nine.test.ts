/**
 * Rounds of kill -9 under mixed load, as `npm run soak -- kill` does hundreds of: of the whole
 * process group, of one process, of a server that is starting. Afterwards every acknowledged call is
 * once in the delivered log files and in the history, the chain is valid and fsck is clean.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { complaintsOf } from '../soak/judge.ts'
import { runKillRounds } from '../soak/kill-rounds.ts'

const ROUNDS = Number(process.env.CLEW_TEST_KILL_ROUNDS ?? 8)
const SEED = Number(process.env.CLEW_TEST_SEED ?? 3)
const skip = process.platform === 'linux' ? false : 'SKIPPED: processes are found in /proc'

it('kill -9 at random points loses and doubles nothing', { skip }, async (t) => {
  const report = await runKillRounds({ rounds: ROUNDS, seed: SEED })
  const { acknowledged, rounds, validateLogs } = report
  t.diagnostic(`${JSON.stringify(rounds)}, ${acknowledged} acknowledged, logs ${validateLogs}`)
  assert.ok(acknowledged > ROUNDS * 5, `${acknowledged} acknowledged`)
  assert.equal(complaintsOf(report), '')
})
