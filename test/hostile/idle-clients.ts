/**
 * A process of its own that opens connections and then does nothing, a third of each kind: silent
 * ones send no byte, half ones half a head, waiting ones a whole request whose answer they take. It
 * tells its parent when all are there, and ends with it.
 */
import { connect } from 'node:net'

const [port, count] = process.argv.slice(2)

/** As many connections are being opened at once; the backlog of a listener is 511. */
const AT_ONCE = 200

const HALF = `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-filler: ${'f'.repeat(1_000)}\r\nx-half: `
const WHOLE = 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'

const openOne = (index: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1' })
    // The server closes connections: that is what is tested.
    socket.on('error', () => {}).once('close', () => resolve())
    socket.once('connect', () => {
      if (index % 3 === 0) resolve()
      else if (index % 3 === 1) socket.write(HALF, () => resolve())
      else socket.once('data', () => resolve()).write(WHOLE)
    })
  })

const openMany = async (): Promise<void> => {
  let left = Number(count)
  const worker = async (): Promise<void> => {
    while (left > 0) await openOne(left--)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

process.once('disconnect', () => process.exit(0))
await openMany()
process.send?.('open')
