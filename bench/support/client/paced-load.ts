/** A steady load: calls start on a fixed schedule, whether or not earlier ones are answered. */
import { isOk, openConnection } from './load.ts'

/** Calls are started in bursts of this length, so that timers cost little. */
const TICK_MS = 5

export interface PacedLoad {
  /** Calls answered with 200 so far. */
  readonly answered: () => number
  /**
   * Ends the load; resolves when the calls under way are answered. Rejects if a connection broke or an
   * answer was another than 200.
   */
  stop(): Promise<void>
}

/** `request` is asked for the bytes of each call, so that signatures can be renewed. */
export const startPacedLoad = async (options: {
  readonly port: number
  readonly callsPerSecond: number
  readonly connections: number
  readonly request: (call: number) => Buffer
}): Promise<PacedLoad> => {
  const { port, callsPerSecond, connections, request } = options
  let answered = 0
  let failed = 0
  let started = 0
  let broken: Error | undefined
  let idle: (() => void) | undefined
  const fail = (error: Error): void => {
    broken ??= error
    idle?.()
  }
  const clients = await Promise.all(
    Array.from({ length: connections }, () => openConnection(port, fail)),
  )
  const free = [...clients]
  const begun = performance.now()
  const due = (): number => Math.floor(((performance.now() - begun) / 1000) * callsPerSecond)
  const send = (): void => {
    while (free.length > 0 && started < due() && broken === undefined) {
      const client = free.pop()
      client?.ask(request(started++), (answer) => {
        if (isOk(answer)) answered++
        else failed++
        free.push(client)
        if (free.length === clients.length) idle?.()
        if (!stopping) send()
      })
    }
  }
  let stopping = false
  const timer = setInterval(send, TICK_MS)
  return {
    answered: () => answered,
    stop: async () => {
      stopping = true
      clearInterval(timer)
      if (free.length < clients.length && broken === undefined) {
        await new Promise<void>((resolve) => {
          idle = resolve
        })
      }
      for (const client of clients) client.close()
      if (broken !== undefined) throw broken
      if (failed > 0) throw new Error(`${failed} calls of the steady load failed`)
    },
  }
}
