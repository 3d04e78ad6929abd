import type { OutgoingMessage } from 'node:http'

/** Up to here a body is copied once more to save a system call. */
const ONE_WRITE_BYTES_MAX = 16 * 1024

/**
 * Ends a message with a whole body. Node writes head and body in one piece where the body is text,
 * and gathers two where it is a buffer, which costs several times as much; as Latin-1, text has
 * exactly the bytes of the buffer.
 */
export const endInOneWrite = (message: OutgoingMessage, body: Buffer): void => {
  if (body.length === 0) message.end()
  else if (body.length > ONE_WRITE_BYTES_MAX) message.end(body)
  else message.end(body.toString('latin1'), 'latin1')
}
