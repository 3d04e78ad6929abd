/** The connections of the AWS endpoint: how many there may be, and which of them end. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConnectionLimit, type Standing } from '../../../platform/connection-limit.ts'
import { createNotice } from '../../../platform/logger.ts'
import type { Exchange } from '../exchange.ts'
import type { GatewayContext } from '../gateway-context.ts'

/** At most this often: a client that opens thousands of connections must not fill the log too. */
const NOTICE_MS = 10_000

/** Counts what was lost and tells it now and then. */
const lossesOf = ({ options, telemetry, connections }: GatewayContext) => {
  const { clock, logger } = options
  const notice = createNotice(clock, NOTICE_MS, (lost) => {
    logger.warn({ limit: connections.served, lost }, 'too many connections')
  })
  return (reason: string): void => {
    telemetry.connectionLost(reason)
    notice(reason, undefined)
  }
}

const standingOf = (exchanges: Iterable<Exchange> | undefined): Standing => {
  if (exchanges === undefined) return 'idle'
  for (const exchange of exchanges) {
    if (exchange.proven || exchange.call !== undefined) return 'busy'
  }
  return 'unproven'
}

/**
 * A client may close its sending half behind its request (`nc -N`) and still read the answer. One
 * that left looks the same until something is written, so the wait is bounded.
 */
const watchHalfClosed = (socket: Socket, waitMs: number): void => {
  socket.once('end', () => {
    if (socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), waitMs)
    socket.once('close', () => clearTimeout(timer))
  })
}

/** `exchangesOf`: what is in flight on a connection. The caller calls `waits` when a request ended. */
export const watchConnections = (
  server: Server,
  context: GatewayContext,
  exchangesOf: (socket: Duplex) => Iterable<Exchange> | undefined,
): ConnectionLimit => {
  const { limits, connections, telemetry } = context
  const notice = lossesOf(context)
  const limit = new ConnectionLimit({
    max: connections.served,
    perAddressMax: limits.connectionsPerAddressMax,
    standing: (socket) => standingOf(exchangesOf(socket)),
    lost: notice,
  })
  server.maxConnections = connections.served + connections.surplus
  // Node's own switch, which its documentation and types lack (lib/_http_server.js, socketOnEnd).
  Object.assign(server, { httpAllowHalfOpen: true })
  server
    .on('connection', (socket) => {
      limit.add(socket)
      watchHalfClosed(socket, limits.halfClosedMs)
    })
    .on('drop', () => notice('dropped'))
  telemetry.countConnections(() => limit.open)
  if (connections.served < limits.connectionsMax) {
    context.options.logger.warn(
      { wanted: limits.connectionsMax, limit: connections.served, files: context.options.filesMax },
      'fewer connections are served than set: this system allows too few open files (ulimit -Hn)',
    )
  }
  return limit
}
