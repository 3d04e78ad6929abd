/** Real CloudTrail events, read in place beside the checkout; undefined where they are absent. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const FOLDER = join(import.meta.dirname, '../../../shared/data/cloudtrail')

/** Events as AWS delivered them; the third set, of detection rules, holds invented ones too. */
const SOURCES = ['invictus-ir_aws_dataset', 'stratus-red-team', 'otrf-security-datasets']

export interface RealEvent {
  readonly eventSource: string
  readonly eventName: string
  readonly eventCategory?: string
  readonly errorCode?: string
  readonly readOnly?: boolean
  readonly apiVersion?: string
  readonly userAgent?: string
  readonly requestParameters: Readonly<Record<string, unknown>> | null
  readonly responseElements: Readonly<Record<string, unknown>> | null
  readonly additionalEventData?: Readonly<Record<string, unknown>>
  readonly resources?: readonly Readonly<Record<string, unknown>>[]
}

export const realEvents = (): RealEvent[] | undefined => {
  if (!existsSync(FOLDER)) return undefined
  return SOURCES.flatMap((source) =>
    gunzipSync(readFileSync(join(FOLDER, source, 'events.ndjson.gz')))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RealEvent),
  )
}
