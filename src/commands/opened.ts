/** How commands open the parts of a data folder that they read, beside a running server too. */
import type { Config } from '../config.ts'
import { openSqliteDocuments } from '../documents/sqlite-documents.ts'
import { openHistory } from '../history/reader.ts'
import { openSigningKeys } from '../integrity/signing-keys.ts'
import { openSegmentJournalReader } from '../journal/segment-journal.ts'
import { systemClock } from '../platform/clock.ts'
import { createLogger } from '../platform/logger.ts'
import { pathsOf, readMasterKey } from '../supervisor/data-folder.ts'
import type { KeysContext } from './keys.ts'
import type { TailSource } from './tail.ts'

const clock = systemClock
const loggerOf = (config: Config) =>
  createLogger(config.logLevel === 'debug' ? 'debug' : 'warn', 'command')

export const openHistoryOf = async (config: Config) => {
  const master = readMasterKey(config)
  const folder = pathsOf(config.data).history
  return openHistory({ folder, master, clock, logger: loggerOf(config) })
}

export const openTailOf = async (config: Config): Promise<TailSource> => {
  const master = readMasterKey(config)
  return openSegmentJournalReader(pathsOf(config.data).journal, { master, clock })
}

export const openKeysOf = async (config: Config): Promise<KeysContext> => {
  const master = readMasterKey(config)
  const logger = loggerOf(config)
  const documents = await openSqliteDocuments(pathsOf(config.data).documents, { clock, logger })
  const signingKeys = openSigningKeys({ documents, master, clock })
  return {
    documents,
    master,
    clock,
    logger,
    account: config.account,
    exportPublicKeys: () => signingKeys.exportPublicKeys(),
    close: () => documents.close(),
  }
}
