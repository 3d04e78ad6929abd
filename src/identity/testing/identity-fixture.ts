/** Real documents in a throw-away folder, a clock that tests own, and a log that they can read. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Documents } from '../../documents/documents.ts'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { type MasterKey, masterKeyOf } from '../../platform/encryption.ts'
import type { Logger } from '../../platform/logger.ts'
import { type Identities, openIdentities } from '../identities.ts'
import type { StoreContext } from '../store/context.ts'

export const TEST_MASTER_KEY = Buffer.alloc(32, 7)

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export const createMemoryLogger = (): { logger: Logger; lines: LoggedLine[] } => {
  const lines: LoggedLine[] = []
  const at =
    (level: LoggedLine['level']) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message })
    }
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return { logger, lines }
}

/** Stands still until a test moves it; `sleep` resolves when the time it waits for has come. */
export interface ManualClock extends Clock {
  advance(ms: number): void
}

export const createManualClock = (start = Date.UTC(2026, 2, 2, 8, 14, 7)): ManualClock => {
  let now = start
  const waiting = new Set<{ at: number; wake: () => void }>()
  return {
    now: () => now,
    monotonic: () => now - start,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve }
        waiting.add(sleeper)
        signal?.addEventListener('abort', () => {
          waiting.delete(sleeper)
          reject(signal.reason as Error)
        })
      }),
    advance: (ms) => {
      now += ms
      for (const sleeper of waiting) {
        if (sleeper.at > now) continue
        waiting.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

export interface IdentityFixture {
  readonly folder: string
  readonly documents: Documents
  readonly master: MasterKey
  readonly clock: ManualClock
  readonly store: StoreContext
  readonly identities: Identities
  readonly lines: readonly LoggedLine[]
  /** Another connection to the same documents, as another process has it. */
  openAnother(): Promise<{ documents: Documents; store: StoreContext; close(): Promise<void> }>
  close(): Promise<void>
}

export const createIdentityFixture = async (): Promise<IdentityFixture> => {
  const folder = await mkdtemp(join(tmpdir(), 'clew-identity-'))
  const path = join(folder, 'documents.sqlite')
  const { logger, lines } = createMemoryLogger()
  const clock = createManualClock()
  const master = masterKeyOf(TEST_MASTER_KEY)
  const open = (): Promise<Documents> => openSqliteDocuments(path, { clock: systemClock, logger })
  const documents = await open()
  const store: StoreContext = { documents, master, clock, logger }
  const identities = await openIdentities(store)
  return {
    folder,
    documents,
    master,
    clock,
    store,
    identities,
    lines,
    openAnother: async () => {
      const other = await open()
      return {
        documents: other,
        store: { ...store, documents: other },
        close: () => other.close(),
      }
    },
    close: async () => {
      await identities.close()
      await documents.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
