/** What the soak leaves, judged: every acknowledged call once in the log files and in the history. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ClewServer, VENV } from '../conformance/clew-server.ts'
import { run } from '../conformance/run-command.ts'
import { ACCOUNT } from '../conformance/trail-setup.ts'
import { logFiles } from './log-files.ts'
import { type Category, TRAILS } from './mixed-calls.ts'

/** Request ids of calls whose whole answer arrived. */
export type Acknowledged = Readonly<Record<Category, Set<string>>>

export interface Verdict {
  readonly acknowledged: number
  /** Ids, by where they should be. */
  readonly lost: Readonly<Record<string, readonly string[]>>
  readonly twice: Readonly<Record<string, readonly string[]>>
  readonly delivered: number
  readonly fsckExit: number | null
  /** `skipped` where the AWS CLI is not installed. */
  readonly validateLogs: 'valid' | 'invalid' | 'skipped'
  /** What fsck and validate-logs printed, where they found something. */
  readonly findings: string
}

/** What is wrong, in a few lines; empty where nothing is. */
export const complaintsOf = (verdict: Verdict): string => {
  const { lost, twice, fsckExit, validateLogs: valid, findings } = verdict
  const named = (what: string, places: Verdict['lost']): string[] =>
    Object.entries(places).flatMap(([place, ids]) =>
      ids.length === 0 ? [] : [`${ids.length} ${what} in ${place}: ${ids.slice(0, 5).join(' ')}`],
    )
  const lines = [...named('lost', lost), ...named('twice', twice)]
  if (fsckExit !== 0) lines.push(`fsck exits with ${fsckExit}`)
  if (valid === 'invalid') lines.push('validate-logs finds something')
  return [...lines, findings.slice(0, 2_000)].join('\n').trim()
}

export const isClean = (verdict: Verdict): boolean =>
  Object.values(verdict.lost).every((ids) => ids.length === 0) &&
  Object.values(verdict.twice).every((ids) => ids.length === 0) &&
  verdict.fsckExit === 0 &&
  verdict.validateLogs !== 'invalid'

/** How often each request id is in the log files of a bucket. The server is stopped. */
const deliveredIn = async (data: string, bucket: string): Promise<Map<string, number>> => {
  const times = new Map<string, number>()
  for await (const { content } of logFiles(data, bucket, `AWSLogs/${ACCOUNT}/CloudTrail/`)) {
    for (const { requestID, eventID } of JSON.parse(content.toString()).Records) {
      const id = requestID ?? eventID
      times.set(id, (times.get(id) ?? 0) + 1)
    }
  }
  return times
}

/** How often each request id is in the event history: what `clew events` downloads. */
const rememberedIn = async (data: string): Promise<Map<string, number>> => {
  const args = ['src/main.ts', 'events', '--data', data, '--format', 'json']
  const { code, stdout, stderr } = await run(process.execPath, args)
  if (code !== 0) throw new Error(`clew events exited with ${code}: ${stderr}`)
  const times = new Map<string, number>()
  for (const line of stdout.split('\n')) {
    if (line === '') continue
    const { requestID, eventID } = JSON.parse(line)
    const id = requestID ?? eventID
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}

/** `until`: an ISO time; where the clock was set ahead, digests lie in the future. */
const validateLogs = async (clew: ClewServer, until: string | undefined) => {
  const aws = join(VENV, 'aws')
  if (!existsSync(aws)) return { validateLogs: 'skipped', text: '' } as const
  const arn = `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/${TRAILS.management.Name}`
  const args = ['cloudtrail', 'validate-logs', '--trail-arn', arn, '--start-time', '2020-01-01']
  if (until !== undefined) args.push('--end-time', until)
  const { code, stdout, stderr } = await run(aws, args, { env: clew.environment })
  if (code === 0 && /(\d+)\/\1 log files valid/.test(stdout))
    return { validateLogs: 'valid', text: '' } as const
  return { validateLogs: 'invalid', text: stdout + stderr } as const
}

/** Flushes, checks with the clients, stops the server, and checks its folder. */
export const judge = async (
  clew: ClewServer,
  acknowledged: Acknowledged,
  options: {
    /** ISO time; where the clock was set ahead, digests lie in the future. */
    readonly until?: string
    /** Event ids that must be in the history too. */
    readonly imported?: ReadonlySet<string>
  } = {},
): Promise<Verdict> => {
  await clew.flush()
  const validated = await validateLogs(clew, options.until)
  // The last calls of the validation itself are events too.
  await clew.flush()
  await clew.stop()
  const { data } = clew
  const places: Record<string, [Map<string, number>, Set<string>]> = {
    management: [await deliveredIn(data, TRAILS.management.S3BucketName), acknowledged.management],
    data: [await deliveredIn(data, TRAILS.data.S3BucketName), acknowledged.data],
    history: [
      await rememberedIn(data),
      new Set([...acknowledged.management, ...(options.imported ?? [])]),
    ],
  }
  const each = (pick: (times: Map<string, number>, ids: Set<string>) => string[]) =>
    Object.fromEntries(Object.entries(places).map(([name, place]) => [name, pick(...place)]))
  const fsck = await run(process.execPath, ['src/main.ts', 'fsck', '--data', data])
  return {
    acknowledged: acknowledged.management.size + acknowledged.data.size,
    lost: each((times, ids) => [...ids].filter((id) => !times.has(id))),
    twice: each((times) => [...times].filter(([, count]) => count > 1).map(([id]) => id)),
    delivered: [places.management, places.data].reduce(
      (sum, place) => sum + (place?.[0].size ?? 0),
      0,
    ),
    fsckExit: fsck.code,
    validateLogs: validated.validateLogs,
    findings: (fsck.code === 0 ? '' : fsck.stdout + fsck.stderr) + validated.text,
  }
}
