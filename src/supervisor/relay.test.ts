import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { describe, it } from 'node:test'
import type { ChildRole } from './fork-role.ts'
import { createRelay } from './relay.ts'

/** The two ends of a server's children: what each was sent. */
const children = () => {
  const sent: Record<ChildRole, unknown[]> = { front: [], writer: [] }
  const running = new Set<ChildRole>(['front', 'writer'])
  const relay = createRelay((role) =>
    running.has(role)
      ? ({
          connected: true,
          send: (message: unknown) => sent[role].push(message),
        } as unknown as ChildProcess)
      : undefined,
  )
  return { relay, sent, running }
}

const call = { to: 'writer', from: 'front', id: 7, method: 'flush' } as const
const refused = {
  ...{ to: 'front', from: 'writer', id: 7 },
  error: { message: 'the writer process is not running', code: 'unavailable' },
}

describe('relay', () => {
  it('carries a call there and its answer back', async () => {
    const { relay, sent } = children()
    relay.pass(call)
    assert.deepEqual(sent.writer, [call])
    const answer = { to: 'front', from: 'writer', id: 7, payload: 1 }
    relay.pass(answer)
    relay.refuseCallsTo('writer')
    assert.deepEqual(sent.front, [answer])
    const own = relay.channel.call('front', 'places')
    const [, asked] = sent.front as { id: number }[]
    relay.pass({ to: 'supervisor', from: 'front', id: asked?.id, payload: 'here' })
    assert.equal(await own, 'here')
  })

  it('refuses a call to a process that is not there, and those that it leaves unanswered', () => {
    const { relay, sent, running } = children()
    relay.pass(call)
    running.delete('writer')
    relay.refuseCallsTo('writer')
    relay.refuseCallsTo('writer')
    assert.deepEqual(sent.front, [refused])
    relay.pass({ ...call, id: 8 })
    assert.deepEqual(sent.front.slice(1), [{ ...refused, id: 8 }])
  })
})
