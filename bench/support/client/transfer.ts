/** One upload or download on a fresh connection, timed. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { isOk } from './load.ts'
import type { Upload } from './s3-upload.ts'

const HEAD_END = Buffer.from('\r\n\r\n')

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket.setNoDelay(true)
}

/** Seconds from the first byte sent to the whole answer. Rejects unless it is 200. */
export const timeUpload = async (port: number, { head, parts }: Upload): Promise<number> => {
  const socket = await open(port)
  const answered = once(socket, 'data') as Promise<[Buffer]>
  const at = performance.now()
  socket.write(head)
  for (const part of parts) if (!socket.write(part)) await once(socket, 'drain')
  const [answer] = await answered
  const seconds = (performance.now() - at) / 1000
  socket.destroy()
  if (!isOk(answer)) throw new Error(`an upload failed: ${answer.toString()}`)
  return seconds
}

/** Seconds from the request to the last byte of the body. Rejects unless it is 200 and whole. */
export const timeDownload = async (port: number, request: Buffer): Promise<number> => {
  const socket = await open(port)
  const at = performance.now()
  socket.write(request)
  let expected = Number.POSITIVE_INFINITY
  let got = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (got === 0) {
      if (!isOk(chunk)) throw new Error(`a download failed: ${chunk.toString()}`)
      const end = chunk.indexOf(HEAD_END)
      const head = chunk.toString('latin1', 0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
      expected = end + HEAD_END.length + length
    }
    got += chunk.length
    if (got >= expected) break
  }
  const seconds = (performance.now() - at) / 1000
  socket.destroy()
  if (got !== expected) throw new Error(`a download ended at ${got} of ${expected} bytes`)
  return seconds
}
