/** Names of log files (reference/formats.md §3.1, docs/formats/log-file.md). */
import { createHash } from 'node:crypto'
import type { EventCategory } from '../../../event/sealed-event.ts'
import { isoSeconds } from '../../../platform/clock.ts'
import { base62 } from '../../../platform/ids.ts'
import type { Address } from '../chain-state.ts'

export type LogFolder =
  | 'CloudTrail'
  | 'CloudTrail-Insight'
  | 'CloudTrail-NetworkActivity'
  | 'CloudTrail-Aggregated'

const FOLDERS = {
  Management: 'CloudTrail',
  Data: 'CloudTrail',
  Insight: 'CloudTrail-Insight',
  NetworkActivity: 'CloudTrail-NetworkActivity',
  Aggregated: 'CloudTrail-Aggregated',
} as const satisfies Record<EventCategory, LogFolder>

export const folderOf = (category: EventCategory): LogFolder => FOLDERS[category]

/** AWS's names count in these steps, rounded up (reference/formats.md §3.1, measured natively). */
const NAME_STEP_MS = 5 * 60_000
const UNIQUE_LENGTH = 16

/** Number of the window that `now` lies in. */
export const slotOf = (now: number, intervalMs: number): number => Math.floor(now / intervalMs)

/** The time in the name of a file whose window is `slot`: the window's end, on a full step. */
export const nameTime = (slot: number, intervalMs: number): number =>
  Math.ceil(((slot + 1) * intervalMs) / NAME_STEP_MS) * NAME_STEP_MS

export interface FileScope {
  readonly trailArn: string
  readonly account: string
  readonly region: string
  readonly folder: LogFolder
  readonly shard: number
  readonly first: Address
  readonly last: Address
}

const placeOf = ({ sequence, index }: Address): string => `${sequence}.${index}`

/** The same range gives the same name, so that a repeated delivery overwrites itself. */
export const uniquePart = (scope: FileScope): string => {
  const text = [
    scope.trailArn,
    scope.account,
    scope.region,
    scope.folder,
    scope.shard,
    `${placeOf(scope.first)}-${placeOf(scope.last)}`,
  ].join('\n')
  return base62(createHash('sha256').update(text).digest(), UNIQUE_LENGTH)
}

/** `prefix` without a trailing slash; `time` as `nameTime` gives it. */
export const logFileKey = (
  prefix: string | undefined,
  scope: Pick<FileScope, 'account' | 'region' | 'folder'>,
  time: number,
  unique: string,
): string => {
  const { account, region, folder } = scope
  const minute = isoSeconds(time).slice(0, 16)
  const day = minute.slice(0, 10).replaceAll('-', '/')
  const compact = `${minute.replaceAll(/[-:]/g, '')}Z`
  const front = prefix === undefined || prefix === '' ? '' : `${prefix}/`
  const name = `${account}_${folder}_${region}_${compact}_${unique}.json.gz`
  return `${front}AWSLogs/${account}/${folder}/${region}/${day}/${name}`
}
