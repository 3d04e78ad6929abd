/** Routes that others bring: they take a body, behind the admin token. */
import type { IncomingMessage } from 'node:http'

export interface RouteAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface AdminRoute {
  /** A longer body is refused. */
  readonly bytesMax: number
  handle(body: Buffer, query: URLSearchParams): Promise<RouteAnswer>
}

export const routeAnswer = (status: number, value: unknown): RouteAnswer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
})

/** Undefined where the body is longer than `bytesMax`. */
export const readBody = async (
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer | undefined> => {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length
    if (bytes > bytesMax) return undefined
    parts.push(chunk as Buffer)
  }
  return Buffer.concat(parts)
}
