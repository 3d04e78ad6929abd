/**
 * Content files that no row names any more. They are noted in the same transaction that drops their
 * row and removed after it, so that a crash in between loses no object and leaks no file.
 */

import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { ContentFolder } from './content/content-folder.ts'
import type { StoreDatabase } from './database.ts'

/**
 * An object of several files may still be read by somebody who opens them one after the other; its
 * files stay this long. (A single file is opened before a read begins and may go at once.)
 */
export const SLOW_READER_MS = 3_600_000
const FILES_PER_ROUND = 500

export class Garbage {
  readonly #database: StoreDatabase
  readonly #commits: CommitQueue
  readonly #content: ContentFolder
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #suspects = new Set<string>()
  #running: Promise<void> | undefined
  #again = false

  constructor(
    database: StoreDatabase,
    commits: CommitQueue,
    content: ContentFolder,
    clock: Clock,
    logger: Logger,
  ) {
    this.#database = database
    this.#commits = commits
    this.#content = content
    this.#clock = clock
    this.#logger = logger
  }

  /** Drops the parts of `holder` and notes their files; only inside a transaction. */
  dropHolder(holder: number): void {
    const rows = this.#database.all('DELETE FROM part WHERE holder = ? RETURNING file', holder)
    const files = rows.flatMap(({ file }) => (typeof file === 'string' ? [file] : []))
    this.note(files, files.length > 1 ? SLOW_READER_MS : 0)
  }

  note(files: readonly string[], delayMs: number): void {
    const due = this.#clock.now() + delayMs
    for (const file of files) {
      this.#database.run('INSERT OR REPLACE INTO garbage (file, due) VALUES (?, ?)', file, due)
    }
  }

  /**
   * A content file whose commit failed: whether a row names it shows after the next commit that
   * succeeds, because that one takes the place of the failed one in the write-ahead log.
   */
  suspect(file: string): void {
    this.#suspects.add(file)
  }

  /** No file is left that only a sweep could find. */
  get settled(): boolean {
    return this.#suspects.size === 0
  }

  /** Starts to remove what is due; call it after a commit. */
  collect(): void {
    this.#again = true
    this.#running ??= this.#run()
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false
        if (!this.settled) await this.#judgeSuspects()
        while (await this.#removeSome());
      }
    } catch (error) {
      // The notes stay: the next collection or opening tries again.
      this.#logger.warn({ error: messageOf(error) }, 'Removing replaced object content failed.')
    } finally {
      this.#running = undefined
    }
  }

  async #judgeSuspects(): Promise<void> {
    const files = [...this.#suspects]
    await this.#commits.commit(() => {
      const named = 'SELECT 1 FROM part WHERE file = ?'
      const unnamed = files.filter((file) => this.#database.get(named, file) === undefined)
      this.note(unnamed, 0)
    })
    for (const file of files) this.#suspects.delete(file)
  }

  async #removeSome(): Promise<boolean> {
    const rows = this.#database.all(
      'SELECT file FROM garbage WHERE due <= ? LIMIT ?',
      this.#clock.now(),
      FILES_PER_ROUND,
    )
    if (rows.length === 0) return false
    const files = rows.map(({ file }) => String(file))
    await Promise.all(files.map((file) => this.#content.remove(file)))
    await this.#commits.commit(() => {
      for (const file of files) this.#database.run('DELETE FROM garbage WHERE file = ?', file)
    })
    return true
  }
}
