/** One import from the listing of its files to its figures. */
import { join } from 'node:path'
import { loadCatalogue } from '../../capture/catalogue/catalogue.ts'
import { ImportError } from '../../capture/import/import-error.ts'
import { Importer } from '../../capture/import/importer.ts'
import {
  createFactsOf,
  type FactsOf,
  withDecidedReadOnly,
} from '../../capture/import/missing-facts.ts'
import type { ImportTrail, OpenAnswer } from '../../capture/import/protocol.ts'
import { createReadEvent, type ReadEvent } from '../../capture/import/read-event.ts'
import { createFingerprint } from '../../capture/import/repeats/fingerprint.ts'
import { destinationName, type ImportStore } from '../../capture/import/repeats/import-store.ts'
import { settleOpenBatches } from '../../capture/import/settle-open.ts'
import { listLocal } from '../../capture/import/sources/local-files.ts'
import { type ImportSource, inTimeOrder } from '../../capture/import/sources/source.ts'
import { isObjectUrl, listObjects, placeOf } from '../../capture/import/sources/stored-objects.ts'
import { confirmAccounts, surveyAccounts } from '../../capture/import/survey.ts'
import { compileSelectors } from '../../event/selectors/compile.ts'
import { openSegmentJournalReader } from '../../journal/segment-journal.ts'
import type { ObjectStore } from '../../outlets/object-store.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import { createTakesImported } from '../../trails/import-access.ts'
import type { Progress } from './progress.ts'
import type { ProblemReport } from './report.ts'
import type { ServerClient } from './server-client.ts'

/** As the event history keeps events (history/consumer.ts). */
const HISTORY_MS = 90 * 86_400_000

export interface RunOptions {
  readonly paths: readonly string[]
  readonly deliver: string | undefined
  readonly jobId: string
  readonly journalFolder: string
  readonly master: MasterKey
  readonly clock: Clock
  readonly client: ServerClient
  readonly store: ImportStore
  /** The built-in object store; opened only when a path needs it. */
  readonly objects: () => Promise<ObjectStore>
  readonly progress: Progress
  readonly problems: ProblemReport
  readonly track: Tracker
  readonly signal: AbortSignal
}

/** What the progress line reads. */
export interface Tracker {
  /** Of files that are done with. */
  doneBytes: number
  /** Of the file that is being read. */
  currentBytes: number
  totalBytes: number
  events: () => number
}

export interface RunResult {
  readonly importer: Importer
  readonly digests: number
  readonly trail: ImportTrail | undefined
  readonly seconds: number
}

/** Counts what is read of a file; a second reading of it begins anew. */
const counted = (source: ImportSource, track: Tracker): ImportSource => ({
  ...source,
  open: async function* () {
    track.currentBytes = 0
    for await (const chunk of source.open()) {
      track.currentBytes += chunk.length
      yield chunk
    }
  },
})

const advancing = (track: Tracker) => (storedBytes: number) => {
  track.doneBytes += storedBytes
  track.currentBytes = 0
}

const listAll = async (
  options: RunOptions,
  opened: OpenAnswer,
): Promise<{ sources: ImportSource[]; digests: number }> => {
  const listings = []
  for (const path of options.paths) {
    if (!isObjectUrl(path)) {
      listings.push(await listLocal(path))
      continue
    }
    if (!opened.builtinS3) {
      throw new ImportError('not-found', `${path}: S3 is on an upstream, not built in.`, {
        hint: 'Copy the log files into a folder first, for example with `aws s3 sync`.',
      })
    }
    if (placeOf(path).bucket === opened.trail?.bucket) {
      throw new ImportError('refused', `${path} is the bucket that the trail delivers to.`, {
        hint: 'What lies there was delivered already; import it without --deliver.',
      })
    }
    listings.push(await listObjects(await options.objects(), path))
  }
  const byName = new Map(
    listings.flatMap(({ sources }) => sources).map((each) => [each.name, each]),
  )
  const digests = listings.reduce((sum, each) => sum + each.digests, 0)
  if (byName.size === 0) {
    throw new ImportError('nothing', `There is no log file below ${options.paths.join(', ')}.`)
  }
  const all = inTimeOrder([...byName.values()])
  return { sources: all.map((source) => counted(source, options.track)), digests }
}

/**
 * Before anything is journaled: may the trail write for every account that the files may name?
 * Undefined: for any account. Then the files need not be read twice.
 */
const checkAccounts = async (
  options: RunOptions,
  sources: readonly ImportSource[],
  trail: ImportTrail,
  readEvent: ReadEvent,
): Promise<ReadonlySet<string> | undefined> => {
  if (trail.anyAccount === true) return undefined
  const { store, track, signal, client, progress } = options
  progress.stage('looking for accounts')
  const advanced = advancing(track)
  const accounts = await surveyAccounts(sources, store, { advanced, signal })
  const first = await client.check(trail.arn, accounts)
  if (first.missing.length === 0) return new Set(accounts)
  const named = await confirmAccounts(sources, first.missing, store, readEvent, signal)
  const allowed = accounts.filter((account) => !first.missing.includes(account))
  if (named.length === 0) return new Set(allowed)
  const { missing, statement } = await client.check(trail.arn, named)
  const what = `The policy of bucket ${trail.bucket} does not let ${trail.arn} write for`
  throw new ImportError('policy', `${what} ${missing.join(', ')}. Nothing was imported.`, {
    hint: `Add this statement to the bucket's policy, then run the command again:\n${statement ?? ''}`,
  })
}

/** What an import that was cut off had handed over. */
const settle = async ({ store, journalFolder, master, clock, progress }: RunOptions) => {
  if (store.open().length === 0) return
  const journal = await openSegmentJournalReader(journalFolder, { master, clock })
  try {
    const { found, missing, doubtful } = await settleOpenBatches(store, journal)
    progress.say(
      `An earlier import was cut off: ${found} events of its last batches are in the journal, ${missing} are read again.`,
    )
    if (doubtful > 0) {
      progress.say(
        `The journal was truncated since: ${doubtful} of them may have been there and may come twice.`,
      )
    }
  } finally {
    await journal.close()
  }
}

/** As the writer compiles a trail's selectors (service/writer/consumers.ts). */
const takesOf = (trail: ImportTrail, factsOf: FactsOf) =>
  createTakesImported(trail, withDecidedReadOnly(compileSelectors(trail.selectors), factsOf))

export const runImport = async (options: RunOptions): Promise<RunResult> => {
  const { client, store, deliver, clock, progress, problems, track, signal, master } = options
  const opened = await client.open(deliver)
  const { trail } = opened
  const { sources, digests } = await listAll(options, opened)
  const factsOf = createFactsOf(loadCatalogue())
  const readEvent = createReadEvent(factsOf)
  track.totalBytes = sources.reduce((sum, { size }) => sum + size, 0)
  const accounts = trail && (await checkAccounts(options, sources, trail, readEvent))
  track.doneBytes = 0
  await settle(options)
  const importer = new Importer({
    store,
    destination: store.destination(trail && destinationName(trail)),
    origin: { kind: 'import', jobId: options.jobId, ...(trail ? { trailArn: trail.arn } : {}) },
    readEvent,
    fingerprint: createFingerprint(master),
    target: client,
    heads: opened.heads,
    ...(accounts === undefined ? {} : { accounts }),
    oldest: clock.now() - HISTORY_MS,
    ...(trail ? { takes: takesOf(trail, factsOf) } : {}),
    problem: problems.add,
    advanced: advancing(track),
    signal,
  })
  track.events = () => importer.counts.events
  const began = clock.monotonic()
  progress.stage('importing')
  for (const source of sources) {
    if (signal.aborted) break
    await importer.file(source)
  }
  await importer.finish()
  return { importer, digests, trail, seconds: (clock.monotonic() - began) / 1_000 }
}

export const importFolder = (data: string): string => join(data, 'import')
