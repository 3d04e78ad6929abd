/**
 * The machine's clock is set ahead by a day and back by an hour under a running server: what is
 * recorded stays in order, sessions expire as the clock says, digests only go forward.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  type ClewServer,
  makeDataFolder,
  removeFolder,
  startClew,
} from '../conformance/clew-server.ts'
import { newAcknowledged, setUp } from '../soak/callers.ts'
import { complaintsOf, judge } from '../soak/judge.ts'
import { identity, lookUp, type MixedCall, mixedCall } from '../soak/mixed-calls.ts'
import { openCallClient, type Place } from '../soak/signed-call.ts'
import { compileShim } from './shim/compile-shim.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const shim = compileShim('clock')
const skip = typeof shim === 'string' ? shim : false

describe('a clock that jumps', { skip }, () => {
  const acknowledged = newAcknowledged()
  const data = makeDataFolder()
  const clock = join(data, 'clock')
  let clew: ClewServer
  let shift = 0
  let turn = 1
  const client = openCallClient(4, () => Date.now() + shift)

  const set = (ms: number): void => {
    shift = ms
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(ms))
    writeFileSync(clock, bytes)
  }
  const ask = async (call: MixedCall, place: Place = clew): Promise<string> => {
    const { status, requestId, body } = await client.send(place, call)
    assert.ok(status < 500, `${status} ${body}`)
    acknowledged[call.category].add(requestId)
    return body
  }
  const some = async (): Promise<void> => {
    for (let count = 0; count < 30; count++) await ask(mixedCall(turn++))
  }
  const times = async (): Promise<number[]> => {
    const { Events } = JSON.parse(await ask(lookUp({ MaxResults: 50 })))
    return Events.map((event: { EventTime: number }) => event.EventTime)
  }

  before(async () => {
    set(0)
    clew = await startClew({
      data,
      environment: {
        LD_PRELOAD: skip === false ? (shim as { path: string }).path : '',
        FAULT_CLOCK: clock,
      },
    })
    await setUp(clew, acknowledged)
  })
  after(async () => {
    client[Symbol.dispose]()
    await clew.kill()
    removeFolder(data)
    if (typeof shim !== 'string') shim[Symbol.dispose]()
  })

  const session = async (): Promise<Place> => {
    const body = 'Action=GetSessionToken&Version=2011-06-15&DurationSeconds=3600'
    const answer = await ask({ ...identity, body })
    const member = (name: string): string =>
      new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? ''
    return {
      endpoint: clew.endpoint,
      accessKeyId: member('AccessKeyId'),
      secretAccessKey: member('SecretAccessKey'),
      sessionToken: member('SessionToken'),
    }
  }

  it('goes on when it is set ahead by a day', async () => {
    await some()
    const place = await session()
    assert.match(await ask(identity, place), /GetCallerIdentityResult/)
    await clew.flush()
    const before = await times()
    set(DAY_MS)
    // Whoever has no valid credentials is nobody: such a call is in nobody's history.
    assert.match((await client.send(place, identity)).body, /ExpiredToken/)
    await some()
    await clew.flush()
    const now = await times()
    assert.ok(Math.max(...now) - Math.max(...before) > 80_000, 'events have the time of the clock')
    assert.deepEqual(
      now,
      now.toSorted((a, b) => b - a),
      'newest first',
    )
  })

  it('goes on when it is set back by an hour, and pages stay in place', async () => {
    const page = JSON.parse(await ask(lookUp({ MaxResults: 5 })))
    set(DAY_MS - HOUR_MS)
    await some()
    await clew.flush()
    const next = JSON.parse(await ask(lookUp({ MaxResults: 5, NextToken: page.NextToken })))
    const ids = [...page.Events, ...next.Events].map(({ EventId }) => EventId)
    assert.equal(new Set(ids).size, 10, 'no event is on two pages')
    const place = await session()
    assert.match(await ask(identity, place), /GetCallerIdentityResult/)
  })

  it('survives a restart with the clock behind what is recorded', async () => {
    await clew.kill()
    set(0)
    clew = await startClew({
      data,
      environment: { LD_PRELOAD: (shim as { path: string }).path, FAULT_CLOCK: clock },
    })
    await some()
  })

  it('has every acknowledged call once, in a valid chain', async () => {
    const until = new Date(Date.now() + 3 * DAY_MS).toISOString()
    assert.equal(complaintsOf(await judge(clew, acknowledged, { until })), '')
  })
})
