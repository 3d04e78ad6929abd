/**
 * Group commit: changes that arrive while others wait go into one transaction, hence one fsync. A
 * change that throws is undone alone; the others commit.
 */
import { messageOf } from '../../platform/errors.ts'
import { ObjectStoreError } from '../object-store.ts'
import type { StoreDatabase } from './database.ts'

/** More changes than this go into the next transaction, so that other processes get their turn. */
const CHANGES_PER_TRANSACTION = 256

interface Waiting {
  /** Runs the change; returns what to call once the transaction is durable. */
  apply(): () => void
  reject(error: unknown): void
}

export class CommitQueue {
  readonly #database: StoreDatabase
  #waiting: Waiting[] = []
  #scheduled: Promise<void> | undefined
  #closed = false

  constructor(database: StoreDatabase) {
    this.#database = database
  }

  /** Resolves with what `change` returned once it is durable. `change` MUST be synchronous. */
  commit<Result>(change: () => Result): Promise<Result> {
    if (this.#closed) {
      return Promise.reject(new ObjectStoreError('failed', 'The object store is closed.'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        apply: () => {
          const result = this.#database.savepoint(change)
          return () => resolve(result)
        },
        reject,
      })
      this.#scheduled ??= this.#runSoon()
    })
  }

  /** Waits for the changes under way; later ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#scheduled !== undefined) await this.#scheduled
  }

  async #runSoon(): Promise<void> {
    while (this.#waiting.length > 0) {
      // After the input of this turn of the event loop, which may bring more changes.
      await new Promise((resolve) => setImmediate(resolve))
      await this.#runGroup(this.#waiting.splice(0, CHANGES_PER_TRANSACTION))
    }
    this.#scheduled = undefined
  }

  async #runGroup(group: Waiting[]): Promise<void> {
    const done: { settle: () => void; change: Waiting }[] = []
    try {
      const committed = await this.#database.transaction(() => {
        for (const change of group) {
          try {
            done.push({ settle: change.apply(), change })
          } catch (error) {
            change.reject(error)
          }
        }
      })
      if (!committed) throw new Error('another process holds the write lock of the database')
    } catch (cause) {
      const error = new ObjectStoreError('failed', `The commit failed: ${messageOf(cause)}`, {
        cause,
        hint: 'Check the free space and the health of the disk that holds the object store.',
      })
      for (const change of group) change.reject(error)
      return
    }
    for (const { settle } of done) settle()
  }
}
