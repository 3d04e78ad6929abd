/** Many at once, and much from one: memory stays in proportion, and the others are served. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openWire, type Wire } from '../../src/capture/gateway/gateway.test-support.ts'
import { residentBytes } from './resident-bytes.ts'
import { signedHead, startTarget, type Target } from './support.ts'

const MIB = 1024 * 1024

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: '/load-bucket' })).status, 200)
})
after(() => target.stop())

describe('load', () => {
  it('in chunks of one byte takes the memory of its bytes', async () => {
    const before = residentBytes(target)
    const wires: Wire[] = []
    const head = `POST / HTTP/1.1\r\nhost: ${target.host}\r\nx-amz-target: A.B\r\ntransfer-encoding: chunked\r\n\r\n`
    const chunks = '1\r\nx\r\n'.repeat(200_000)
    for (let index = 0; index < 12; index++) {
      const wire = await openWire(target.port)
      wire.socket.write(head)
      await new Promise<void>((resolve) => wire.socket.write(chunks, () => resolve()))
      wires.push(wire)
    }
    await target.stillAnswers('chunks of a byte')
    // 2.4 million bytes; a Buffer for each would be 500 MB.
    assert.ok(
      residentBytes(target) - before < 250 * MIB,
      `${(residentBytes(target) - before) / MIB} MiB`,
    )
    for (const { socket } of wires) socket.destroy()
    await target.stillAnswers('they left')
  })

  it('of one connection does not pile up answers that nobody takes', async () => {
    const path = '/load-bucket/large'
    const body = Buffer.alloc(MIB, 'x')
    assert.equal((await target.send({ method: 'PUT', path, body })).status, 200)
    const before = residentBytes(target)
    const wire = await openWire(target.port)
    wire.socket.pause()
    const { text } = signedHead(target.host, target.root, { path })
    wire.socket.write(text.repeat(1_000))
    await target.stillAnswers('pipelined requests')
    await target.stillAnswers('more of them')
    assert.ok(
      residentBytes(target) - before < 400 * MIB,
      `${(residentBytes(target) - before) / MIB} MiB`,
    )
    wire.socket.destroy()
    await target.stillAnswers('it left')
  })

  it('of a hundred bodies of a MiB at once is taken whole', async () => {
    const body = Buffer.alloc(MIB, 'x')
    const puts = Array.from({ length: 100 }, (_, index) =>
      target.send({ method: 'PUT', path: `/load-bucket/large-${index}`, body }),
    )
    for (const { status } of await Promise.all(puts)) assert.equal(status, 200)
    const list = await target.send({ path: '/load-bucket', query: 'list-type=2&prefix=large-' })
    assert.match(list.body, /<KeyCount>100<\/KeyCount>/)
    await target.stillAnswers('large bodies')
  })

  it('of a thousand silent connections leaves room for the next', async () => {
    const before = residentBytes(target)
    const wires: Wire[] = []
    for (let index = 0; index < 1_000; index++) wires.push(await openWire(target.port))
    for (const [index, { socket }] of wires.entries()) {
      if (index % 2 === 0) socket.write('GET / HTTP/1.1\r\nhos')
    }
    await target.stillAnswers('silent connections')
    assert.ok(
      residentBytes(target) - before < 200 * MIB,
      `${(residentBytes(target) - before) / MIB} MiB`,
    )
    for (const { socket } of wires) socket.destroy()
    await target.stillAnswers('they left')
  })
})
