import { Command } from 'commander'
import { ImportError } from '../capture/import/import-error.ts'
import { type ImportStore, openImportStore } from '../capture/import/repeats/import-store.ts'
import type { Config } from '../config.ts'
import {
  type FileObjectStore,
  openFileObjectStore,
} from '../outlets/file-system/file-object-store.ts'
import { systemClock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import { uuid } from '../platform/ids.ts'
import { silentLogger } from '../platform/logger.ts'
import { pathsOf, readAdminToken, readMasterKey } from '../supervisor/data-folder.ts'
import { startProgress } from './import/progress.ts'
import { createProblemReport, type ImportSummary, summaryText } from './import/report.ts'
import { importFolder, type RunResult, runImport, type Tracker } from './import/run-import.ts'
import { type ImportServer, serverFor } from './import/server.ts'
import { createServerClient, type ServerClient } from './import/server-client.ts'
import { configOf, withSettings } from './settings-options.ts'

const INTERRUPTED = 130
const clock = systemClock

interface ImportFlags {
  readonly deliver?: string
  readonly report?: string
  readonly json?: boolean
}

/** The first signal ends the import between two batches, the second at once. */
const interruption = (): { readonly signal: AbortSignal } & Disposable => {
  const stop = new AbortController()
  const received = (): void => {
    if (stop.signal.aborted) process.exit(INTERRUPTED)
    stop.abort(new Error('interrupted'))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, received)
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, received)
    },
  }
}

const summaryOf = (result: RunResult, interrupted: boolean): ImportSummary => {
  const { importer, digests, trail, seconds } = result
  const { counts } = importer
  return {
    ...counts,
    forTrail: trail === undefined ? null : counts.imported - counts.leftOut,
    digestFilesIgnored: digests,
    seconds: Math.round(seconds * 1_000) / 1_000,
    eventsPerSecond: seconds > 0 ? Math.round(counts.events / seconds) : 0,
    trail: trail?.arn ?? null,
    interrupted,
  }
}

/** Waits until what was imported can be looked up, and where it is delivered, is delivered. */
const complete = async (
  client: ServerClient,
  result: RunResult,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await client.passed(signal)
  } catch (error) {
    if (!signal.aborted) throw error
    return
  }
  if (result.trail === undefined) return
  try {
    await client.flush()
  } catch (error) {
    if (!(error instanceof ImportError) || error.code !== 'refused') throw error
    say(`Everything is imported, but not all of it is delivered yet: ${messageOf(error)}`)
    process.exitCode = 1
  }
}

interface Opened {
  readonly server: ImportServer
  readonly store: ImportStore
}

const importInto = async (
  config: Config,
  paths: readonly string[],
  flags: ImportFlags,
  { server, store }: Opened,
): Promise<void> => {
  using interrupted = interruption()
  const { signal } = interrupted
  const track: Tracker = { doneBytes: 0, currentBytes: 0, totalBytes: 0, events: () => 0 }
  const facts = () => ({
    doneBytes: track.doneBytes + track.currentBytes,
    totalBytes: track.totalBytes,
    events: track.events(),
  })
  const progress = startProgress({ stream: process.stderr, clock, facts })
  const problems = createProblemReport(progress.say, flags.report)
  const jobId = uuid()
  const master = readMasterKey(config)
  const token = readAdminToken(config.data)
  let told = ''
  const waiting = (why: string): void => {
    if (why !== told) progress.say(`Waiting: ${why}`)
    told = why
  }
  const client = createServerClient({ url: server.url, token, jobId, clock, waiting })
  let objects: FileObjectStore | undefined
  try {
    const result = await runImport({
      ...{ paths, jobId, master, clock, client, store, progress, problems, track, signal },
      deliver: flags.deliver,
      journalFolder: pathsOf(config.data).journal,
      objects: async () => {
        const folder = pathsOf(config.data).objects
        objects ??= await openFileObjectStore(folder, { master, clock, logger: silentLogger })
        return objects
      },
    })
    progress.stage('waiting for the event history')
    if (!signal.aborted) await complete(client, result, progress.say, signal)
    progress.end()
    problems.close()
    const summary = summaryOf(result, signal.aborted)
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(summary)}\n` : summaryText(summary),
    )
    if (signal.aborted) {
      progress.say('Interrupted. Run the same command again: it goes on where this one ended.')
      process.exitCode = INTERRUPTED
    } else if (summary.skipped > 0) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof ImportError) || track.events() === 0) throw error
    progress.say(`${error.message}\n      ${error.hint ?? ''}`)
    process.exitCode = 1 // what was imported until now stays
  } finally {
    progress.end()
    client.close()
    await objects?.close()
  }
}

/**
 * `clew import`: exit code 1 when records were skipped or a delivery failed, 2 when nothing was done,
 * 130 when it was interrupted. `script`: what a server is started from where none runs.
 */
export const importCommand = (script: string): Command =>
  withSettings(
    new Command('import')
      .description('import log files: paths of files or folders, or s3://BUCKET/PREFIX')
      .argument('<path...>', 'log files, gzip or not: {"Records":[…]} documents or NDJSON')
      .option('--deliver <trail>', 'deliver them through this trail too (name or ARN)')
      .option('--report <file>', 'write every skipped record to this file, as NDJSON')
      .option('--json', 'print the figures as JSON'),
    [
      'data',
      'masterKeyCommand',
      'account',
      'region',
      'upstream',
      'trails.bucketPolicy',
      'logLevel',
    ],
  ).action(async (paths: string[], flags: ImportFlags, command: Command) => {
    const config = configOf(command)
    const server = await serverFor(config, script)
    try {
      const store = await openImportStore(importFolder(config.data))
      try {
        await importInto(config, paths, flags, { server, store })
      } finally {
        store.close()
      }
    } finally {
      await server.stop()
    }
  })
