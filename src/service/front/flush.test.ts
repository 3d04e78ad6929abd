import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChannelError } from '../../platform/process-channel.ts'
import { flushWriter } from './flush.ts'

/** A writer whose answers are given, and a clock that its pauses move. */
const setting = (answers: (ChannelError | undefined)[]) => {
  let now = 0
  return {
    channel: {
      call: async (): Promise<unknown> => {
        const answer = answers.length > 1 ? answers.shift() : answers[0]
        if (answer !== undefined) throw answer
        return undefined
      },
    },
    clock: {
      monotonic: () => now,
      sleep: async (ms: number) => {
        now += ms
      },
    },
    now: () => now,
  }
}

const away = new ChannelError('unavailable', 'the writer process is not running')

describe('flushWriter', () => {
  it('waits for a writer that is being started again', async () => {
    const { channel, clock, now } = setting([away, away, undefined])
    await flushWriter(channel, clock)
    assert.ok(now() > 0)
  })

  it('tells what the writer answers', async () => {
    const { channel, clock } = setting([away, new ChannelError('failed', 'No such bucket.')])
    await assert.rejects(flushWriter(channel, clock), /No such bucket/)
  })

  it('gives up when no writer comes', async () => {
    const { channel, clock } = setting([away])
    await assert.rejects(flushWriter(channel, clock), /not running/)
  })
})
