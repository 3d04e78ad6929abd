/** An upstream that answers every request at once with an empty JSON object; prints its port. */
import { createServer } from 'node:http'

const body = Buffer.from('{}')
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': body.length,
      'x-amzn-requestid': '00000000-0000-4000-8000-000000000000',
    })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : '')
})
process.once('disconnect', () => process.exit(0))
