/**
 * The least of an S3: answers the MD5 of what is put as its ETag, as every S3 does for an object put
 * in one piece (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html), and makes up what is
 * asked for. Arguments: bytes of an object; `swallow` takes what is put without looking at it, which
 * no S3 can. Prints its port.
 */
import { createHash, type Hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const BLOCK = Buffer.alloc(1024 * 1024, 'clew')
const bytes = Number(process.argv[2])
const swallows = process.argv[3] === 'swallow'
const NO_DIGEST = '0'.repeat(32)

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

const LINE_END = Buffer.from('\r\n')

/** The MD5 of what chunks of `aws-chunked` framing carry; their signatures are not looked at. */
const unframe = (digest: Hash) => {
  let line = ''
  /** Bytes of the chunk and of the line end behind it that are still to come. */
  let left = 0
  return (part: Buffer): void => {
    let at = 0
    while (at < part.length) {
      if (left > 0) {
        const taken = Math.min(left, part.length - at)
        const data = Math.min(taken, Math.max(0, left - LINE_END.length))
        digest.update(part.subarray(at, at + data))
        left -= taken
        at += taken
        continue
      }
      const end = part.indexOf(LINE_END[1] ?? 0, at)
      line += part.toString('latin1', at, end < 0 ? part.length : end)
      if (end < 0) return
      const size = Number.parseInt(line, 16)
      line = ''
      at = end + 1
      // Behind the last chunk there are trailers only.
      left = size > 0 ? size + LINE_END.length : 0
    }
  }
}

/** The hexadecimal MD5 of the object, once its last byte came. */
const readObject = (request: IncomingMessage, done: (md5: string) => void): void => {
  if (swallows) {
    request.resume().once('end', () => done(NO_DIGEST))
    return
  }
  const digest = createHash('md5')
  const framed = (request.headers['x-amz-content-sha256'] ?? '').toString().startsWith('STREAMING-')
  const take = framed ? unframe(digest) : (part: Buffer): void => void digest.update(part)
  request.on('data', take).once('end', () => done(digest.digest('hex')))
}

const madeUp = (): string => {
  const digest = createHash('md5')
  for (let rest = bytes; rest > 0; rest -= BLOCK.length) {
    digest.update(BLOCK.subarray(0, Math.min(rest, BLOCK.length)))
  }
  return digest.digest('hex')
}

const etagOfMadeUp = swallows ? NO_DIGEST : madeUp()

const server = createServer((request, response) => {
  readObject(request, (md5) => {
    response.setHeader('x-amz-request-id', '0000000000000000')
    response.setHeader('etag', `"${request.method === 'GET' ? etagOfMadeUp : md5}"`)
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
