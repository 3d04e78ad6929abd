import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Document, type Documents, DocumentsError, type Revision } from '../documents.ts'

export type Request = { id: number } & (
  | { call: 'get' | 'list' | 'watch'; key: string }
  | { call: 'put'; key: string; value: unknown; expected: Revision | 'absent' | 'any' }
  | { call: 'remove'; key: string; expected: Revision | 'any' }
  | { call: 'unwatch'; watch: number }
  | { call: 'close' }
)

export interface Response {
  readonly id: number
  readonly result?: unknown
  readonly changed?: string
  readonly error?: { code: string; message: string }
}

type Call = Request extends infer Each ? (Each extends Request ? Omit<Each, 'id'> : never) : never

const codeOf = (code: string): DocumentsError['code'] =>
  code === 'conflict' || code === 'too-large' || code === 'closed' ? code : 'unavailable'

const script = fileURLToPath(new URL('./documents-process.ts', import.meta.url))

/** `fileBlocks`: files of that process end there, as if the disk were full (`ulimit -f`). */
export const startProcess = (args: string[], fileBlocks: number | 'unlimited'): ChildProcess =>
  spawn(
    'sh',
    ['-c', `ulimit -f ${fileBlocks}; exec "$0" "$@"`, process.execPath, script, ...args],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
  )

/** The documents at `path`, opened by a process of their own. */
export const remoteDocuments = async (
  path: string,
  fileBlocks: number | 'unlimited' = 'unlimited',
): Promise<Documents> => {
  const child = startProcess([path], fileBlocks)
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const watchers = new Map<number, (key: string) => void>()
  let id = 0
  let closed = false
  await once(child, 'message')
  child.on('message', (response: Response) => {
    if (response.changed !== undefined) return watchers.get(response.id)?.(response.changed)
    const { error } = response
    const each = waiting.get(response.id)
    waiting.delete(response.id)
    if (error === undefined) each?.resolve(response.result)
    else each?.reject(new DocumentsError(codeOf(error.code), error.message))
  })

  const send = (call: Call): Promise<unknown> => {
    id++
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    child.send({ id, ...call })
    return answer.promise
  }

  return {
    get: async <Value>(key: string) =>
      (await send({ call: 'get', key })) as Document<Value> | undefined,
    list: async <Value>(prefix: string) =>
      (await send({ call: 'list', key: prefix })) as Document<Value>[],
    put: async (key, value, expected) =>
      (await send({ call: 'put', key, value, expected })) as Revision,
    remove: async (key, expected) => {
      await send({ call: 'remove', key, expected })
    },
    watch: (prefix, changed) => {
      void send({ call: 'watch', key: prefix })
      const watch = id
      watchers.set(watch, changed)
      return {
        [Symbol.dispose]: () => {
          watchers.delete(watch)
          void send({ call: 'unwatch', watch })
        },
      }
    },
    close: async () => {
      if (closed) return
      closed = true
      const exit = once(child, 'exit')
      await send({ call: 'close' })
      await exit
    },
  }
}
