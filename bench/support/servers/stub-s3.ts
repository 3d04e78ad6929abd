/** An S3 that swallows what is put and makes up what is asked for (argument: bytes); prints its port. */
import { createServer, type ServerResponse } from 'node:http'

const BLOCK = Buffer.alloc(1024 * 1024, 'clew')
const bytes = Number(process.argv[2])

const send = (response: ServerResponse, left: number): void => {
  let rest = left
  while (rest > 0) {
    const part = BLOCK.subarray(0, Math.min(rest, BLOCK.length))
    rest -= part.length
    if (!response.write(part)) {
      response.once('drain', () => send(response, rest))
      return
    }
  }
  response.end()
}

const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => {
    response.setHeader('x-amz-request-id', '0000000000000000')
    response.setHeader('etag', '"00000000000000000000000000000000"')
    if (request.method !== 'GET') {
      response.setHeader('content-length', 0)
      response.end()
      return
    }
    response.setHeader('content-type', 'binary/octet-stream')
    response.setHeader('content-length', bytes)
    send(response, bytes)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : '')
})
process.once('disconnect', () => process.exit(0))
