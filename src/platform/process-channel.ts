/**
 * Calls between the processes of one server. The supervisor relays: a child asks `front` or
 * `writer`, and the answer comes back. Payloads are structured clones; bytes travel as Uint8Array
 * (children are forked with `serialization: 'advanced'`), object graphs do not.
 */
import { CodedError, messageOf } from './errors.ts'

export type Role = 'supervisor' | 'front' | 'writer'

/** `unavailable`: that process is not there now. `failed`: it answered with an error. */
export class ChannelError extends CodedError<'unavailable' | 'failed'> {}

interface Message {
  readonly to: Role
  readonly from: Role
  readonly id: number
  readonly method?: string
  readonly payload?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
}

/** What carries messages: `process` in a child, a relay in the supervisor. */
export interface Wire {
  send(message: unknown): void
  listen(received: (message: unknown) => void): void
}

export interface Channel {
  /** Rejects with ChannelError; `failed` carries the other side's message. */
  call(to: Role, method: string, payload?: unknown): Promise<unknown>
  handle(method: string, handler: (payload: unknown) => Promise<unknown>): void
  /** Rejects every call under way. */
  close(): void
}

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'to' in value && 'id' in value

const failureOf = (error: unknown): { message: string; code?: string } => ({
  message: messageOf(error),
  ...(error instanceof CodedError ? { code: String(error.code) } : {}),
})

export const createChannel = (self: Role, wire: Wire): Channel => {
  const handlers = new Map<string, (payload: unknown) => Promise<unknown>>()
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  let lastId = 0

  const answer = async (message: Message, method: string): Promise<void> => {
    const reply = { to: message.from, from: self, id: message.id }
    const handler = handlers.get(method)
    try {
      if (handler === undefined) throw new ChannelError('unavailable', `no ${method} here yet`)
      wire.send({ ...reply, payload: await handler(message.payload) })
    } catch (error) {
      wire.send({ ...reply, error: failureOf(error) })
    }
  }

  wire.listen((message) => {
    if (!isMessage(message) || message.to !== self) return
    if (message.method !== undefined) {
      void answer(message, message.method)
      return
    }
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) call?.resolve(message.payload)
    else {
      const code = message.error.code === 'unavailable' ? 'unavailable' : 'failed'
      call?.reject(new ChannelError(code, message.error.message))
    }
  })

  return {
    call: (to, method, payload) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        wire.send({ to, from: self, id, method, payload })
      }),
    handle: (method, handler) => {
      handlers.set(method, handler)
    },
    close: () => {
      for (const call of waiting.values()) {
        call.reject(new ChannelError('unavailable', 'the channel closed'))
      }
      waiting.clear()
    },
  }
}
