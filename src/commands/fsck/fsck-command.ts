import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { fsckImports } from '../../capture/import/repeats/fsck-imports.ts'
import type { Config } from '../../config.ts'
import { fsckDocuments } from '../../documents/fsck-documents.ts'
import { readStoredDocuments } from '../../documents/stored-documents.ts'
import { fsckHistory } from '../../history/fsck.ts'
import { fsckIdentities } from '../../identity/fsck-identities.ts'
import { KEYS_PREFIX, type KeyDocument } from '../../identity/store/records.ts'
import { type FsckReport, fsckJournal, fsckSpool } from '../../journal/fsck.ts'
import { openFileObjectStore } from '../../outlets/file-system/file-object-store.ts'
import { fsckObjects } from '../../outlets/file-system/fsck-objects.ts'
import { systemClock } from '../../platform/clock.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import { silentLogger } from '../../platform/logger.ts'
import { pathsOf, readMasterKey } from '../../supervisor/data-folder.ts'
import { pendingFolderOf } from '../../trails/delivery/files/pending-folder.ts'
import { fsckPending } from '../../trails/delivery/fsck-pending.ts'
import { importFolder } from '../import/run-import.ts'
import { configOf, withSettings } from '../settings-options.ts'

interface Part {
  readonly name: string
  /** What was read, for people. */
  readonly read: string
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

const RESTORE =
  'restore it from a backup; events that are in the journal or in log files are not lost'

const framesPart = (name: string, report: FsckReport): Part => {
  const problems = report.findings.map(({ file, sequence, what, todo }) => ({
    place: sequence === undefined ? file : `${file} (sequence ${sequence})`,
    problem: `${what}. ${todo}`,
  }))
  return { name, read: `${report.frames} frames, ${report.bytes} bytes`, problems }
}

/** What cannot even be opened is a problem of that part; the others are checked all the same. */
const examine = async (
  name: string,
  place: string,
  check: () => Part | Promise<Part>,
): Promise<Part> => {
  try {
    return await check()
  } catch (error) {
    const hint = error instanceof CodedError && error.hint !== undefined ? ` ${error.hint}` : ''
    const problem = `cannot be read: ${messageOf(error)}${hint}`
    return { name, read: 'not read to its end', problems: [{ place, problem }] }
  }
}

const checkJournal = async (config: Config): Promise<Part> => {
  const folder = pathsOf(config.data).journal
  return framesPart('journal', await fsckJournal(folder, { master: readMasterKey(config) }))
}

const checkSpool = async (folder: string, config: Config): Promise<Part> =>
  framesPart('spool', await fsckSpool(folder, { master: readMasterKey(config) }))

const checkIdentities = (config: Config): Part => {
  const keys = readStoredDocuments<KeyDocument>(pathsOf(config.data).documents, KEYS_PREFIX)
  const report = fsckIdentities(keys, readMasterKey(config))
  return { name: 'identities', read: `${report.keys} keys`, problems: report.problems }
}

const checkDelivery = async (config: Config): Promise<Part> => {
  const folder = pendingFolderOf(pathsOf(config.data).delivery)
  const { files, bytes, problems } = await fsckPending(folder, readMasterKey(config))
  return { name: 'delivery', read: `${files} waiting log files, ${bytes} bytes`, problems }
}

const checkHistory = async (config: Config): Promise<Part> => {
  const folder = pathsOf(config.data).history
  const { days, blocks, events, problems } = await fsckHistory(folder, {
    master: readMasterKey(config),
  })
  return { name: 'history', read: `${days} days, ${blocks} blocks, ${events} events`, problems }
}

const checkDocuments = async (config: Config): Promise<Part> => {
  const { documents, problems } = fsckDocuments(pathsOf(config.data).documents)
  return { name: 'documents', read: `${documents} documents`, problems }
}

const checkImports = (folder: string): Part => {
  const { files, open, problems } = fsckImports(folder)
  return { name: 'import', read: `${files} files, ${open} open batches`, problems }
}

const checkObjects = async (config: Config): Promise<Part> => {
  const folder = pathsOf(config.data).objects
  const master = readMasterKey(config)
  const store = await openFileObjectStore(folder, {
    master,
    clock: systemClock,
    logger: silentLogger,
  })
  try {
    const { objects, bytes, problems } = await fsckObjects(folder, store)
    return { name: 'objects', read: `${objects} objects, ${bytes} bytes`, problems }
  } finally {
    await store.close()
  }
}

const print = (part: Part): void => {
  const verdict = part.problems.length === 0 ? 'clean' : `${part.problems.length} PROBLEMS`
  process.stdout.write(`${part.name.padEnd(10)} ${verdict.padEnd(12)} ${part.read}\n`)
  for (const { place, problem } of part.problems) {
    process.stdout.write(`  ${place}: ${problem}\n    ${RESTORE}\n`)
  }
}

/** `clew fsck`: exit code 1 when something is damaged. Reads only; beside a running server too. */
export const fsckCommand = (): Command =>
  withSettings(
    new Command('fsck')
      .description('check everything in the data folder')
      .option('--json', 'print JSON'),
    ['data', 'masterKeyCommand', 'spool.folder'],
  ).action(async (options: { json?: boolean }, command: Command) => {
    const config = configOf(command)
    readMasterKey(config)
    const paths = pathsOf(config.data)
    const parts = [
      await examine('documents', paths.documents, () => checkDocuments(config)),
      await examine('identities', paths.documents, () => checkIdentities(config)),
      await examine('journal', paths.journal, () => checkJournal(config)),
    ]
    const spool = config.spool.folder ?? paths.spool
    // Beside a server that has only just begun, or on another disk that is not mounted now.
    if (existsSync(spool)) {
      parts.push(await examine('spool', spool, () => checkSpool(spool, config)))
    }
    parts.push(
      await examine('history', paths.history, () => checkHistory(config)),
      await examine('delivery', paths.delivery, () => checkDelivery(config)),
    )
    if (existsSync(paths.objects)) {
      parts.push(await examine('objects', paths.objects, () => checkObjects(config)))
    }
    const imports = importFolder(config.data)
    if (existsSync(imports)) {
      parts.push(await examine('import', imports, () => checkImports(imports)))
    }
    if (options.json === true) process.stdout.write(`${JSON.stringify(parts)}\n`)
    else parts.forEach(print)
    if (parts.some((part) => part.problems.length > 0)) process.exitCode = 1
  })
