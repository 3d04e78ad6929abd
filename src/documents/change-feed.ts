import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'

export interface Change {
  readonly key: string
  readonly revision: number
}

/** Tells watchers what changed: at once for changes of this process, by polling for others'. */
export interface ChangeFeed {
  watch(prefix: string, changed: (key: string) => void): Disposable
  /** A change that this process committed. */
  announce(key: string, revision: number): void
  close(): void
}

interface Watcher {
  readonly prefix: string
  readonly changed: (key: string) => void
  /** Changes up to here were there before it began to watch. */
  readonly after: number
}

/**
 * `newest` and `since` read the change index; the timer runs only while somebody watches and does
 * not keep the process alive. An error while polling is logged once, and the poll goes on.
 */
export const createChangeFeed = (options: {
  pollMs: number
  logger: Logger
  newest: () => number
  since: (revision: number) => readonly Change[]
}): ChangeFeed => {
  const watchers = new Set<Watcher>()
  /** Own changes that were announced and that the next polls will see again. */
  const announced = new Set<number>()
  let seen = 0
  let timer: NodeJS.Timeout | undefined
  let failing = false

  const tell = ({ key, revision }: Change): void => {
    for (const watcher of watchers) {
      if (revision > watcher.after && key.startsWith(watcher.prefix)) watcher.changed(key)
    }
  }

  const poll = (): void => {
    try {
      for (const change of options.since(seen)) {
        seen = Math.max(seen, change.revision)
        if (!announced.has(change.revision)) tell(change)
      }
      // An own change that another one of the same key replaced never comes up: drop it here.
      for (const revision of announced) if (revision <= seen) announced.delete(revision)
      failing = false
    } catch (error) {
      if (!failing) {
        options.logger.error({ error: messageOf(error) }, 'Cannot look for changed documents.')
      }
      failing = true
    }
  }

  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
    announced.clear()
  }

  return {
    watch: (prefix, changed) => {
      const after = options.newest()
      if (timer === undefined) {
        seen = after
        timer = setInterval(poll, options.pollMs)
        timer.unref()
      }
      const watcher = { prefix, changed, after }
      watchers.add(watcher)
      return {
        [Symbol.dispose]: () => {
          watchers.delete(watcher)
          if (watchers.size === 0) stop()
        },
      }
    },
    announce: (key, revision) => {
      if (watchers.size === 0) return
      announced.add(revision)
      queueMicrotask(() => tell({ key, revision }))
    },
    close: () => {
      watchers.clear()
      stop()
    },
  }
}
