import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CodedError } from './errors.ts'
import { ChannelError, createChannel, type Role } from './process-channel.ts'

/** Two channels joined by a structured clone, as fork's advanced serialisation does it. */
const pair = () => {
  const receivers = new Map<Role, (message: unknown) => void>()
  const channelOf = (self: Role) =>
    createChannel(self, {
      send: (message) => {
        const { to } = message as { to: Role }
        const copy: unknown = structuredClone(message)
        queueMicrotask(() => receivers.get(to)?.(copy))
      },
      listen: (received) => receivers.set(self, received),
    })
  return { front: channelOf('front'), writer: channelOf('writer') }
}

class Refused extends CodedError<'refused'> {}

describe('process channel', () => {
  it('answers calls, bytes included', async () => {
    const { front, writer } = pair()
    writer.handle('double', async (payload) =>
      Buffer.concat([payload as Buffer, payload as Buffer]),
    )
    const answer = await front.call('writer', 'double', Buffer.from('ab'))
    assert.equal(Buffer.from(answer as Uint8Array).toString(), 'abab')
  })

  it('carries errors and tells unknown methods', async () => {
    const { front, writer } = pair()
    writer.handle('fail', async () => {
      throw new Refused('refused', 'no bucket')
    })
    await assert.rejects(front.call('writer', 'fail'), { code: 'failed', message: 'no bucket' })
    await assert.rejects(front.call('writer', 'nothing'), { code: 'unavailable' })
  })

  it('rejects what is under way when it closes', async () => {
    const { front, writer } = pair()
    writer.handle('never', () => new Promise(() => {}))
    const call = front.call('writer', 'never')
    front.close()
    await assert.rejects(call, ChannelError)
  })
})
