/**
 * Group commit: changes that are made in the same turn of the event loop go into one transaction,
 * hence one fsync. A change that is refused leaves the others; a transaction that fails, none.
 */
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { inTransactionSoon } from '../platform/sqlite.ts'
import { DocumentsError } from './documents.ts'

/** More changes go into the next transaction, so that other processes get their turn. */
const CHANGES_MAX = 256

interface Waiting {
  /** Runs the change; returns what to call once the transaction is durable. */
  readonly apply: () => () => void
  readonly reject: (error: unknown) => void
}

export class GroupCommit {
  readonly #db: DatabaseSync
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /**
   * Resolves with what `change` returned once that is durable. `change` is synchronous, and writes
   * nothing where it throws DocumentsError.
   */
  commit<Result>(change: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const apply = (): (() => void) => {
        const result = change()
        return () => resolve(result)
      }
      this.#waiting.push({ apply, reject })
      this.#running ??= this.#runSoon()
    })
  }

  /** Waits until all that was given is committed or refused. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #runSoon(): Promise<void> {
    while (this.#waiting.length > 0) {
      await turn() // the input of this turn of the event loop may bring more changes
      await this.#run(this.#waiting.splice(0, CHANGES_MAX))
    }
    this.#running = undefined
  }

  async #run(group: readonly Waiting[]): Promise<void> {
    const done: (() => void)[] = []
    try {
      const committed = await inTransactionSoon(this.#db, () => {
        for (const { apply, reject } of group) {
          try {
            done.push(apply())
          } catch (error) {
            if (!(error instanceof DocumentsError)) throw error
            reject(error)
          }
        }
      })
      if (committed === undefined) {
        throw new DocumentsError('unavailable', 'Another process goes on writing the documents.', {
          hint: 'Is a process of this server stopped, or the disk very slow?',
        })
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const settle of done) settle()
  }
}
