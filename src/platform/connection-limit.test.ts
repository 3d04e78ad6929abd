import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { ConnectionLimit, type ConnectionLoss, type Standing } from './connection-limit.ts'

/** As much of a socket as the limit uses. */
class TestSocket extends EventEmitter {
  readonly remoteAddress: string
  standing: Standing = 'idle'
  open = true
  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }
  destroy(): void {
    if (!this.open) return
    this.open = false
    this.emit('close')
  }
}

const start = (max: number, perAddressMax = 0) => {
  const lost: ConnectionLoss[] = []
  const limit = new ConnectionLimit({
    max,
    perAddressMax,
    standing: (socket) => (socket as unknown as TestSocket).standing,
    lost: (reason) => lost.push(reason),
  })
  const open = (address: string, standing: Standing = 'idle') => {
    const socket = new TestSocket(address)
    socket.standing = standing
    limit.add(socket as unknown as Socket)
    return socket
  }
  const many = (address: string, count: number, standing?: Standing) =>
    Array.from({ length: count }, () => open(address, standing))
  const refuses = (socket: TestSocket) => limit.refuses(socket as unknown as Socket)
  const waits = (socket: TestSocket) => limit.waits(socket as unknown as Socket)
  return { limit, lost, open, many, refuses, waits }
}

const left = (sockets: readonly TestSocket[]): number => sockets.filter(({ open }) => open).length

describe('connection limit', () => {
  it('closes the one that waits longest', () => {
    const { limit, open, waits, lost } = start(3)
    const [a, b, c] = [open('10.0.0.1'), open('10.0.0.2'), open('10.0.0.3')]
    waits(a)
    const d = open('10.0.0.4')
    assert.deepEqual([a.open, b.open, c.open, d.open], [true, false, true, true])
    open('10.0.0.5')
    assert.deepEqual([a.open, c.open, d.open], [true, false, true])
    assert.deepEqual([limit.open, lost], [3, ['idle', 'idle']])
  })

  it('closes those of the address that holds most', () => {
    const { many } = start(100)
    const honest = Array.from({ length: 10 }, (_, index) => many(`10.0.0.${index}`, 1)).flat()
    const hostile = many('10.1.1.1', 1_000)
    assert.equal(left(honest), 10)
    assert.equal(left(hostile), 90)
  })

  it('takes a /64 of IPv6 for one address, and IPv4 in IPv6 for IPv4', () => {
    const { many, open } = start(50)
    const honest = [open('2001:db8:0:2::1'), open('::ffff:10.0.0.1'), open('10.0.0.1')]
    const hostile = Array.from({ length: 500 }, (_, index) =>
      open(`2001:db8:0:1::${index.toString(16)}`),
    )
    assert.equal(left(honest), 3)
    assert.equal(left(hostile), 47)
    assert.equal(left(many('fe80::1%eth0', 1)), 1)
  })

  it('closes unproven ones only where none is idle, busy ones never', () => {
    const { open, many, refuses, lost } = start(10)
    const busy = many('10.0.0.1', 8, 'busy')
    const unproven = many('10.0.0.1', 2, 'unproven')
    const next = open('10.0.0.2', 'busy')
    assert.deepEqual([left(busy), left(unproven)], [8, 1])
    open('10.0.0.2', 'busy')
    assert.equal(left(unproven), 0)
    const surplus = open('10.0.0.3', 'unproven')
    assert.ok(surplus.open && refuses(surplus), 'is told that there are too many')
    assert.ok(!refuses(next))
    busy[0]?.destroy()
    assert.ok(!refuses(surplus), 'until there is room')
    assert.deepEqual(lost, ['unproven', 'unproven', 'refused'])
  })

  it('finds idle ones again after all were busy', () => {
    const { open, many, waits, refuses } = start(5)
    const [first] = many('10.0.0.1', 5, 'busy')
    const surplus = open('10.0.0.2', 'busy')
    assert.ok(refuses(surplus) && first !== undefined)
    surplus.destroy()
    first.standing = 'idle'
    waits(first)
    const next = open('10.0.0.3', 'busy')
    assert.ok(!first.open && !refuses(next))
  })

  it('keeps each address to its own limit', () => {
    const { open, many, refuses, lost } = start(100, 3)
    const hostile = many('10.0.0.1', 10)
    assert.deepEqual([left(hostile), lost.length, lost[0]], [3, 7, 'address'])
    const busy = many('10.0.0.2', 3, 'busy')
    assert.ok(refuses(open('10.0.0.2', 'unproven')))
    assert.ok(!refuses(open('10.0.0.3', 'unproven')))
    assert.equal(left(busy), 3)
  })

  it('forgets what is closed', () => {
    const { limit, many } = start(1_000)
    for (const socket of many('10.0.0.1', 500)) socket.destroy()
    assert.equal(limit.open, 0)
    limit.destroyAll()
  })
})
