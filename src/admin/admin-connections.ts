/** The connections of the console port: whoever opens many and says nothing loses his own. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ConnectionLimit, type Standing } from '../platform/connection-limit.ts'

/** Above it the connection that waits longest without a request is closed. */
const CONNECTIONS_MAX = 256
/** Accepted above that in order to be told; more are not accepted. */
const SURPLUS_MAX = 64

export interface AdminConnections {
  /** Notes a request; false: it was refused and answered. */
  takes(request: IncomingMessage, response: ServerResponse): boolean
}

export const limitConnections = (server: Server): AdminConnections => {
  const standings = new Map<Socket, Standing>()
  const limit = new ConnectionLimit({
    max: CONNECTIONS_MAX,
    perAddressMax: 0,
    standing: (socket) => standings.get(socket) ?? 'idle',
    lost: () => {},
  })
  server.maxConnections = CONNECTIONS_MAX + SURPLUS_MAX
  server.on('connection', (socket) => limit.add(socket))
  return {
    takes: (request, response) => {
      const { socket } = request
      if (limit.refuses(socket)) {
        response.shouldKeepAlive = false
        response.writeHead(503, { 'content-length': 0 }).end()
        return false
      }
      standings.set(socket, 'unproven')
      request.once('end', () => {
        if (standings.has(socket)) standings.set(socket, 'busy')
      })
      response.once('close', () => {
        standings.delete(socket)
        limit.waits(socket)
      })
      return true
    },
  }
}
