import { fork } from 'node:child_process'
import { once } from 'node:events'
import { JournalError, type JournalReader, type StoredFrame } from '../journal.ts'

export interface ReaderRequest {
  readonly id: number
  readonly call: 'open' | 'read' | 'nextReadable' | 'range' | 'wait' | 'abort' | 'close'
  readonly numbers: readonly number[]
  readonly folder?: string
  readonly secret?: string
}

export interface ReaderResponse {
  readonly id: number
  readonly result?: unknown
  readonly code?: string
}

const codeOf = (code: string): JournalError['code'] =>
  code === 'truncated' || code === 'closed' ? code : 'corrupt'

export interface ReaderProcess {
  /** A reader of the journal in `folder` that lives in that process; one at a time. */
  open(folder: string, secret: Buffer): Promise<JournalReader & { close(): Promise<void> }>
  close(): Promise<void>
}

export const startReaderProcess = (): ReaderProcess => {
  const script = new URL('./reader-process.ts', import.meta.url)
  const child = fork(script, [], { serialization: 'advanced' })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let id = 0
  child.on('message', ({ id: answered, result, code }: ReaderResponse) => {
    const answer = waiting.get(answered)
    waiting.delete(answered)
    if (code === undefined) answer?.resolve(result)
    else answer?.reject(new JournalError(codeOf(code), code))
  })
  const ask = (request: Omit<ReaderRequest, 'id'>) => {
    id++
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    child.send({ id, ...request } satisfies ReaderRequest)
    return { id, answer: answer.promise }
  }
  const send = (call: ReaderRequest['call'], ...numbers: number[]) => ask({ call, numbers })

  const wait = async (shard: number, after: number, signal: AbortSignal): Promise<void> => {
    const asked = send('wait', shard, after)
    const abort = (): void => {
      send('abort', asked.id)
      waiting.get(asked.id)?.reject(signal.reason)
      waiting.delete(asked.id)
    }
    signal.addEventListener('abort', abort, { once: true })
    await asked.answer
    signal.removeEventListener('abort', abort)
  }

  return {
    open: async (folder, secret) => {
      const hex = secret.toString('hex')
      const shards = await ask({ call: 'open', numbers: [], folder, secret: hex }).answer
      return {
        shards: shards as number[],
        read: async (...numbers) => {
          const frames = (await send('read', ...numbers).answer) as StoredFrame[]
          return frames.map((frame) => ({ ...frame, bytes: Buffer.from(frame.bytes) }))
        },
        nextReadable: async (...numbers) =>
          (await send('nextReadable', ...numbers).answer) as number,
        range: async (shard) =>
          (await send('range', shard).answer) as { first: number; next: number },
        wait,
        close: async () => {
          await send('close').answer
        },
      }
    },
    close: async () => {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}
