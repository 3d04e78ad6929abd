/**
 * Node reads every piece of an answer into 64 KiB of new memory, and its parser copies the body out
 * of there: twice the memory that is needed, which the garbage collector then takes a quarter of the
 * time of a download to find. The pieces are parsed as they come, so one buffer serves all sockets.
 */
import type { OnReadOpts, Socket } from 'node:net'

/** What libuv asks for at a time. */
const READ_BYTES = 64 * 1024

/** Options of an agent for plain connections. */
export const readIntoOneBuffer = (): { readonly onread: OnReadOpts } => ({
  onread: {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback(this: unknown, bytes: number, buffer: Uint8Array): boolean {
      const socket = this as Socket
      // Whoever speaks without being asked would be taken for the answer to the next request.
      if (!socket.emit('data', buffer.subarray(0, bytes))) socket.destroy()
      return true
    },
  },
})
