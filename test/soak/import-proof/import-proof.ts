/**
 * Many events imported and delivered by whole processes, then every single one accounted for: in the
 * history of its account and in the log files, once, with its own bytes, and valid for `clew verify`,
 * `validate-logs` and `fsck`.
 */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HISTORY_MS, makeEvents } from '../../../bench/support/data/synthetic-events.ts'
import { makeTrail, TRAIL } from '../../../bench/support/servers/clew.ts'
import { clewResult, importEvents } from '../../../bench/support/servers/clew-command.ts'
import { trailBucketPolicy } from '../../../src/trails/testing/bucket-policy.ts'
import { type ClewServer, removeFolder, startClew, VENV } from '../../conformance/clew-server.ts'
import { type CommandResult, run } from '../../conformance/run-command.ts'
import { ACCOUNT } from '../../conformance/trail-setup.ts'
import { deliveredEvents, rememberedEvents } from './arrivals.ts'
import { digestOf, readSource, type Source } from './source-events.ts'

const BUCKET = 'audit'
const ACCOUNTS = 20
const FILES = 20

/** How often each event came to a place, and what was wrong with it there. */
interface Place {
  readonly times: Map<string, number>
  /** Ids whose bytes differ from the source's. */
  readonly altered: string[]
  /** Ids in the history or log files of another account. */
  readonly misplaced: string[]
}

export interface ImportProof {
  readonly lines: number
  readonly imported: number
  readonly seconds: number
  /** By account: management events of the source, and those found in its history. */
  readonly accounts: readonly { account: string; expected: number; history: number }[]
  readonly delivered: number
  /** Events whose category only a catalogue knows and which became data events, by name. */
  readonly dataByCatalogue: Readonly<Record<string, number>>
  /** What is wrong, one line each. */
  readonly complaints: readonly string[]
  readonly checks: Readonly<Record<string, string>>
}

const newPlace = (): Place => ({ times: new Map(), altered: [], misplaced: [] })

const enter = (place: Place, source: Source, account: string, text: string | Buffer): void => {
  const { eventID } = JSON.parse(text.toString())
  const own = source.events.get(eventID)
  // Calls that were captured meanwhile, the trail's own creation for one, are no matter of ours.
  if (own === undefined) return
  place.times.set(eventID, (place.times.get(eventID) ?? 0) + 1)
  if (own.digest !== digestOf(text)) place.altered.push(eventID)
  if (own.account !== account) place.misplaced.push(eventID)
}

const complain = (name: string, place: Place, source: Source): string[] => {
  const lost: string[] = []
  const invented: string[] = []
  for (const [id, { standing }] of source.events) {
    if (standing === 'management' && !place.times.has(id)) lost.push(id)
    if (standing === 'other' && place.times.has(id)) invented.push(id)
  }
  const twice = [...place.times].filter(([, count]) => count > 1).map(([id]) => id)
  const { altered, misplaced } = place
  return Object.entries({ lost, twice, altered, misplaced, invented }).flatMap(([what, ids]) =>
    ids.length === 0 ? [] : [`${ids.length} ${what} in ${name}: ${ids.slice(0, 5).join(' ')}`],
  )
}

/** What the catalogue decided must be the same for history and log files. */
const undecidedOf = (source: Source, history: Place, files: Place) => {
  const dataByCatalogue: Record<string, number> = {}
  const torn: string[] = []
  for (const [id, { standing, name }] of source.events) {
    if (standing !== 'undecided') continue
    if (history.times.has(id) !== files.times.has(id)) torn.push(id)
    if (!files.times.has(id)) dataByCatalogue[name] = (dataByCatalogue[name] ?? 0) + 1
  }
  const complaints =
    torn.length === 0 ? [] : [`${torn.length} in history or log files only: ${torn[0]}`]
  return { dataByCatalogue, complaints }
}

const validateLogs = async (clew: ClewServer, account: string): Promise<[string, boolean]> => {
  const aws = join(VENV, 'aws')
  if (!existsSync(aws)) return ['SKIPPED: there is no AWS CLI', true]
  const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/${TRAIL}`
  const args = ['cloudtrail', 'validate-logs', '--trail-arn', arn, '--account-id', account]
  const time = ['--start-time', '2020-01-01', '--region', 'us-east-1']
  const { code, stdout } = await run(aws, [...args, ...time], { env: clew.environment })
  const valid = /(\d+)\/\1 log files valid/.exec(stdout)
  return [valid?.[0] ?? `exit ${code}: ${stdout.slice(-300)}`, code === 0 && valid !== null]
}

/** `exit 0: 900/900 digest files valid, 400/400 log files valid`, over all accounts. */
const verified = ({ code, stdout }: CommandResult): string => {
  const sums = ['digest files', 'log files'].map((what) => {
    const counts = [...stdout.matchAll(new RegExp(`(\\d+)/(\\d+) ${what} valid`, 'g'))]
    const sum = (group: number) => counts.reduce((all, found) => all + Number(found[group]), 0)
    return `${sum(1)}/${sum(2)} ${what} valid`
  })
  return `exit ${code}: ${sums.join(', ')}`
}

/** With the server running. */
const checkWithClients = async (clew: ClewServer, owner: string) => {
  const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/${TRAIL}`
  const verify = await clewResult(['verify', '--data', clew.data, '--trail-arn', arn])
  const [validated, valid] = await validateLogs(clew, owner)
  const checks = {
    'clew verify, all accounts': verified(verify),
    [`validate-logs --account-id ${owner} --region us-east-1`]: validated,
  }
  const complaints = [
    ...(verify.code === 0 ? [] : [`clew verify: ${verify.stdout.slice(-1_000)}`]),
    ...(valid ? [] : [`validate-logs: ${validated}`]),
  ]
  return { checks, complaints }
}

const importInto = async (clew: ClewServer, folder: string) => {
  await makeTrail(clew, {
    ...{ logging: true, multiRegion: true },
    policy: trailBucketPolicy(BUCKET, '*'),
  })
  const at = performance.now()
  const { imported } = await importEvents(folder, clew.data, ['--deliver', TRAIL])
  return { imported, seconds: (performance.now() - at) / 1000 }
}

/** What `data` holds against its source; the server is stopped on the way. */
const accountFor = async (clew: ClewServer, source: Source, told: (line: string) => void) => {
  const expected = new Map<string, number>()
  for (const { account: owner, standing } of source.events.values()) {
    expected.set(owner, (expected.get(owner) ?? 0) + (standing === 'management' ? 1 : 0))
  }
  const owners = [...expected].sort()
  const checked = await checkWithClients(clew, owners[0]?.[0] ?? ACCOUNT)
  told('verified')
  const history = newPlace()
  const accounts: ImportProof['accounts'][number][] = []
  for (const [owner, count] of owners) {
    const before = history.times.size
    for (const text of await rememberedEvents(clew.data, owner)) {
      enter(history, source, owner, text)
    }
    accounts.push({ account: owner, expected: count, history: history.times.size - before })
    told(`account ${owner}: ${history.times.size - before} events in its history`)
  }
  await clew.stop()
  const files = newPlace()
  for await (const { account: owner, text } of deliveredEvents(clew.data, BUCKET)) {
    enter(files, source, owner, text)
  }
  const fsck = await clewResult(['fsck', '--data', clew.data])
  const undecided = undecidedOf(source, history, files)
  return {
    ...{ accounts, delivered: files.times.size, dataByCatalogue: undecided.dataByCatalogue },
    checks: { ...checked.checks, fsck: `exit ${fsck.code}` },
    complaints: [
      ...checked.complaints,
      ...(fsck.code === 0 ? [] : [`fsck: ${fsck.stdout}${fsck.stderr}`]),
      ...complain('the history', history, source),
      ...complain('the log files', files, source),
      ...undecided.complaints,
    ],
  }
}

/** `told`: progress. The folders are kept when something is wrong. */
export const proveImport = async (options: {
  readonly events: number
  readonly seed: number
  readonly told: (line: string) => void
}): Promise<ImportProof> => {
  const { events, seed, told } = options
  const folder = mkdtempSync(join(tmpdir(), 'clew-events-'))
  const end = Date.now()
  const period = { start: end - HISTORY_MS, end }
  await makeEvents(folder, { events, seed, accounts: ACCOUNTS, gzipFiles: FILES, ...period })
  told(`${events} events made`)
  const source = await readSource(folder)
  const clew = await startClew({ environment: { CLEW_LOG_LEVEL: 'warn' } })
  try {
    const { imported, seconds } = await importInto(clew, folder)
    told(`${imported} imported in ${seconds.toFixed(0)} s`)
    const found = await accountFor(clew, source, told)
    const unread =
      imported === source.events.size
        ? []
        : [`${imported} were imported, ${source.events.size} should have been`]
    const complaints = [...unread, ...found.complaints]
    if (complaints.length === 0) removeFolder(clew.data)
    else told(`kept: ${clew.data}`)
    return { lines: source.lines, imported, seconds, ...found, complaints }
  } finally {
    await clew.stop()
    removeFolder(folder)
  }
}
