/**
 * How many connections a server holds at once, and whose ends when there are too many: the one that
 * has waited longest with no request under way, of the address that holds most. So whoever opens
 * thousands and sends nothing pushes out his own, and the next client is served at once.
 */
import { isIPv6, type Socket } from 'node:net'

/**
 * What a connection is doing. `idle`: no request has arrived whole in its head. `unproven`: nobody is
 * known to have sent the request. `busy`: a request is being served; such a one is never closed.
 */
export type Standing = 'idle' | 'unproven' | 'busy'

/** Why a connection was closed, or its request refused. */
export const CONNECTION_LOSSES = ['idle', 'unproven', 'address', 'refused'] as const
export type ConnectionLoss = (typeof CONNECTION_LOSSES)[number]

export interface ConnectionLimitOptions {
  /** Connections at once. */
  readonly max: number
  /** Of one address (IPv6: of one /64 network); 0: as many as there may be at all. */
  readonly perAddressMax: number
  /** Asked only when a connection has to go. */
  readonly standing: (socket: Socket) => Standing
  readonly lost: (reason: ConnectionLoss) => void
}

interface Connection {
  readonly socket: Socket
  readonly address: string
  /** Larger is later: the last time that a request of it ended, or that it was opened. */
  since: number
  /** Opened while nothing could be closed for it: its requests are refused while that is so. */
  surplus: boolean
}

/** Chosen in one pass over all connections: a small part of them, as others may come to wait longer. */
const VICTIMS_MAX = 64
const VICTIMS_SHARE = 1 / 16

/** One customer's network is a /64 (RFC 6177): its addresses are as good as free. */
const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [front = '', back] = address.split('%')[0]?.split('::') ?? []
  const head = front === '' ? [] : front.split(':')
  const tail = back === undefined || back === '' ? [] : back.split(':')
  const gap = back === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array<string>(gap).fill('0'), ...tail].slice(0, 4).join(':')
}

/** The connections of one server. */
export class ConnectionLimit {
  readonly #options: ConnectionLimitOptions
  readonly #connections = new Map<Socket, Connection>()
  readonly #perAddress = new Map<string, number>()
  #moments = 0
  /** The next to go, the first one last; each is asked again before it goes. */
  #victims: { connection: Connection; since: number }[] = []
  /** Nothing could be closed, and nothing has changed since. */
  #allBusy = false

  constructor(options: ConnectionLimitOptions) {
    this.#options = options
  }

  get open(): number {
    return this.#connections.size
  }

  /** A connection was accepted. Closes another one where there are too many. */
  add(socket: Socket): void {
    const address = networkOf(socket.remoteAddress ?? '')
    const connection = { socket, address, since: ++this.#moments, surplus: false }
    const ofAddress = (this.#perAddress.get(address) ?? 0) + 1
    const { max, perAddressMax } = this.#options
    if (perAddressMax > 0 && ofAddress > perAddressMax) {
      connection.surplus = !this.#closeOneOf(address)
    } else if (this.#connections.size >= max) {
      connection.surplus = !this.#closeOne()
    }
    this.#connections.set(socket, connection)
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    socket.once('close', () => this.#forget(connection))
  }

  /** A request of the connection has ended: it waits from now on. */
  waits(socket: Socket): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) return
    connection.since = ++this.#moments
    this.#allBusy = false
  }

  /** Must a request of this connection be refused, because every other one is busy? */
  refuses(socket: Socket): boolean {
    const connection = this.#connections.get(socket)
    if (connection === undefined || !connection.surplus) return false
    const { max, perAddressMax, lost } = this.#options
    const ofAddress = this.#perAddress.get(connection.address) ?? 0
    connection.surplus =
      this.#connections.size > max || (perAddressMax > 0 && ofAddress > perAddressMax)
    if (connection.surplus) lost('refused')
    return connection.surplus
  }

  /** Ends them all. */
  destroyAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy()
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection.socket)) return
    this.#allBusy = false
    const { address } = connection
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }

  #close(connection: Connection, reason: ConnectionLoss): void {
    this.#forget(connection)
    this.#options.lost(reason)
    connection.socket.destroy()
  }

  #closeOne(): boolean {
    if (this.#allBusy) return false
    for (;;) {
      const victim = this.#victims.pop()
      if (victim === undefined) {
        this.#victims = this.#chooseVictims()
        this.#allBusy = this.#victims.length === 0
        if (this.#allBusy) return false
        continue
      }
      const { connection, since } = victim
      if (connection.since !== since || !this.#connections.has(connection.socket)) continue
      const standing = this.#options.standing(connection.socket)
      if (standing === 'busy') continue
      this.#close(connection, standing)
      return true
    }
  }

  #closeOneOf(address: string): boolean {
    let oldest: Connection | undefined
    for (const connection of this.#connections.values()) {
      if (connection.address !== address) continue
      if (oldest !== undefined && oldest.since < connection.since) continue
      if (this.#options.standing(connection.socket) !== 'busy') oldest = connection
    }
    if (oldest === undefined) return false
    this.#close(oldest, 'address')
    return true
  }

  /** The idle ones, or where there are none the unproven ones. */
  #chooseVictims(): { connection: Connection; since: number }[] {
    const found: Record<Standing, Connection[]> = { idle: [], unproven: [], busy: [] }
    for (const connection of this.#connections.values()) {
      found[this.#options.standing(connection.socket)].push(connection)
    }
    const candidates = found.idle.length > 0 ? found.idle : found.unproven
    // To a power of two: among addresses that hold about as many, the wait alone decides.
    const weight = new Map(
      [...this.#perAddress].map(([address, count]) => [address, Math.floor(Math.log2(count))]),
    )
    const weightOf = ({ address }: Connection): number => weight.get(address) ?? 0
    const count = Math.ceil(Math.min(VICTIMS_MAX, this.#connections.size * VICTIMS_SHARE))
    return candidates
      .sort((a, b) => weightOf(b) - weightOf(a) || a.since - b.since)
      .slice(0, count)
      .reverse()
      .map((connection) => ({ connection, since: connection.since }))
  }
}
