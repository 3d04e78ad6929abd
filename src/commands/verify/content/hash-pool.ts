/**
 * Hashes files in several threads: inflating and hashing is most of what a verification without a
 * network does, and one thread would leave the other cores idle.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ContentHash } from '../../../integrity/verification.ts'
import { CodedError } from '../../../platform/errors.ts'
import type { HashAnswer, HashTask } from './hash-worker.ts'

const THREADS_MAX = 8

/** `unreadable`: the file; `ended`: the thread that read it. */
class HashPoolError extends CodedError<'unreadable' | 'ended'> {}

interface Waiting {
  readonly resolve: (content: ContentHash | undefined) => void
  readonly reject: (error: Error) => void
}

export interface HashPool {
  /** Undefined: no such file. */
  hash(path: string): Promise<ContentHash | undefined>
  /** Ends the threads; what is under way rejects. */
  close(): void
}

/** One thread and the files that it was given. */
interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
  ended: boolean
}

const startThread = (): Thread => {
  const worker = new Worker(new URL('./hash-worker.ts', import.meta.url))
  const waiting = new Map<number, Waiting>()
  worker.on('message', ({ id, content, error }: HashAnswer) => {
    const task = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) task?.resolve(content)
    else task?.reject(new HashPoolError('unreadable', error))
  })
  const thread: Thread = { worker, waiting, ended: false }
  const fail = (cause?: Error): void => {
    thread.ended = true
    const options = cause === undefined ? {} : { cause }
    const error = new HashPoolError('ended', 'A thread that hashes files has ended.', options)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.once('error', fail)
  worker.once('exit', () => fail())
  return thread
}

/** The threads start with the first file. */
export const createHashPool = (): HashPool => {
  let threads: Thread[] = []
  let next = 0
  let closed = false
  return {
    hash: (path) => {
      if (closed) return Promise.reject(new HashPoolError('ended', 'The verification has ended.'))
      if (threads.length === 0) {
        threads = Array.from({ length: Math.min(THREADS_MAX, availableParallelism()) }, startThread)
      }
      const [first, ...others] = threads.filter(({ ended }) => !ended)
      if (first === undefined) {
        return Promise.reject(new HashPoolError('ended', 'The threads that hash files have ended.'))
      }
      const id = next++
      const thread = others.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a), first)
      return new Promise((resolve, reject) => {
        thread.waiting.set(id, { resolve, reject })
        const task: HashTask = { id, path }
        thread.worker.postMessage(task)
      })
    },
    close: () => {
      closed = true
      for (const { worker } of threads) void worker.terminate()
      threads = []
    },
  }
}
