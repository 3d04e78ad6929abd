/** A history in a folder of its own, for tests. */
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { Consumer, Entry } from '../../journal/consumer.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { type MasterKey, masterKeyOf } from '../../platform/encryption.ts'
import { type Logger, silentLogger } from '../../platform/logger.ts'
import { createHistoryConsumer } from '../consumer.ts'
import type { History } from '../history.ts'
import { openHistory } from '../reader.ts'

export const TEST_MASTER: MasterKey = masterKeyOf(Buffer.alloc(32, 7))

export interface FolderHistoryOptions {
  /** Epoch milliseconds, or a clock. */
  readonly now: number | Clock
  readonly logger?: Logger
  readonly registry?: Registry
  /** An existing folder; otherwise a new one that `remove` deletes. */
  readonly folder?: string
}

export class FolderHistoryRig {
  readonly folder: string
  readonly clock: Clock
  readonly #logger: Logger
  readonly #registry: Registry | undefined
  consumer: Consumer
  #history: History | undefined

  constructor(options: FolderHistoryOptions) {
    const { now } = options
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'clew-history-'))
    this.clock = typeof now === 'number' ? { ...systemClock, now: () => now } : now
    this.#logger = options.logger ?? silentLogger
    this.#registry = options.registry
    this.consumer = this.#create()
  }

  #create(): Consumer {
    const { folder, clock } = this
    const registry = this.#registry ?? new Registry()
    return createHistoryConsumer({
      ...{ folder, clock, registry, master: TEST_MASTER, logger: this.#logger },
    })
  }

  get history(): History {
    if (this.#history === undefined) throw new Error('Start it first.')
    return this.#history
  }

  /** Recovers, as the writer's start does, and opens a reader. */
  async start(): Promise<this> {
    await this.consumer.start(0, 0)
    await this.consumer.start(1, 0)
    const { folder, clock } = this
    this.#history = await openHistory({
      ...{ folder, clock, master: TEST_MASTER, logger: this.#logger },
    })
    return this
  }

  async consume(shard: number, entries: readonly Entry[]): Promise<number> {
    return this.consumer.consume(shard, entries, new AbortController().signal)
  }

  async stop(): Promise<void> {
    await this.#history?.close()
    this.#history = undefined
    await this.consumer.close()
  }

  async restart(between: () => void = () => {}): Promise<void> {
    await this.stop()
    between()
    this.consumer = this.#create()
    await this.start()
  }

  /** Paths of the files below the folder that match. */
  files(pattern: string): string[] {
    return globSync(pattern, { cwd: this.folder })
      .map((file) => join(this.folder, file))
      .sort()
  }

  loseIndexes(): Promise<void> {
    return this.restart(() => {
      for (const file of this.files('*/index.sqlite*')) rmSync(file)
    })
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const startFolderHistory = (options: FolderHistoryOptions): Promise<FolderHistoryRig> =>
  new FolderHistoryRig(options).start()
