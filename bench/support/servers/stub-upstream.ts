/**
 * An upstream that answers every request at once with an empty JSON object; prints its port. On raw
 * sockets, because it shares the cores with what is measured. Requests have a content length.
 */
import { createServer, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
const ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'content-type: application/x-amz-json-1.0',
    'x-amzn-requestid: 00000000-0000-4000-8000-000000000000',
    'content-length: 2',
    '',
    '{}',
  ].join('\r\n'),
)

const serve = (socket: Socket): void => {
  let rest: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  // A client that goes away has what it wanted.
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const end = rest.indexOf(HEAD_END)
      if (end < 0) return
      const head = rest.toString('latin1', 0, end)
      if (/transfer-encoding: *chunked/i.test(head)) throw new Error('a request without a length')
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const total = end + HEAD_END.length + length
      if (rest.length < total) return
      rest = rest.subarray(total)
      socket.write(ANSWER)
    }
  })
}

const server = createServer(serve)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : '')
})
process.once('disconnect', () => process.exit(0))
