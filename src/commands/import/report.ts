/** What an import tells: skipped records as they are met, and the figures at the end. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Problem } from '../../capture/import/file-problems.ts'
import type { ImportCounts } from '../../capture/import/importer.ts'

/** Places that are told on stderr; all of them go into `--report FILE`. */
export const PROBLEMS_SHOWN_MAX = 10

export interface ProblemReport {
  add(problem: Problem): void
  /** Says what was not shown. */
  close(): void
}

/** What steers a terminal is not shown: names and values are whoever's wrote the logs. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')

const placeOf = ({ file, record, offset }: Problem): string =>
  record === undefined ? file : `${file}: record ${record} at byte ${offset ?? 0}`

export const createProblemReport = (
  say: (text: string) => void,
  file: string | undefined,
): ProblemReport => {
  const handle = file === undefined ? undefined : openSync(file, 'w', 0o600)
  let count = 0
  return {
    add: (problem) => {
      count++
      if (handle !== undefined) writeSync(handle, `${JSON.stringify(problem)}\n`)
      if (count <= PROBLEMS_SHOWN_MAX) {
        say(visible(`${placeOf(problem)}: skipped, ${problem.reason}`))
      }
    },
    close: () => {
      const more = count - PROBLEMS_SHOWN_MAX
      const where = file === undefined ? '--report FILE writes all of them' : `all are in ${file}`
      if (more > 0) say(`… and ${more} more were skipped; ${where}.`)
      if (handle !== undefined) closeSync(handle)
    },
  }
}

export interface ImportSummary extends ImportCounts {
  /** Imported events that the trail's selectors and regions take; null without `--deliver`. */
  readonly forTrail: number | null
  readonly digestFilesIgnored: number
  readonly seconds: number
  readonly eventsPerSecond: number
  readonly trail: string | null
  readonly interrupted: boolean
}

type Row = readonly [count: number, what: string]

const counted = (value: number): string => value.toLocaleString('en-US')

const DELIVER = '--deliver TRAIL writes them to log files'

/** Where the imported events are now. The first row is shown even where it is 0. */
const placeRows = (summary: ImportSummary): readonly Row[] => {
  const { imported, tooOld, notInHistory, notKept, leftOut, forTrail, trail } = summary
  if (trail === null) {
    const old = "were not kept: they are older than the event history's 90 days"
    const other = 'were not kept: the event history takes management and Insights events only'
    return [
      [imported - notInHistory, 'events imported into the event history'],
      [tooOld, `${old}; ${DELIVER}`],
      [notInHistory - tooOld, `${other}; ${DELIVER} if it selects them`],
    ]
  }
  const nowhere = 'of these were not kept: they are not for the event history either'
  return [
    [imported, 'events imported'],
    [forTrail ?? 0, `of them for log files of ${trail}`],
    [leftOut, "of them left out by the trail's selectors and regions"],
    [notKept, `${nowhere} (management and Insights events of 90 days)`],
  ]
}

export const summaryText = (summary: ImportSummary): string => {
  const rows: readonly Row[] = [
    ...placeRows(summary),
    [summary.repeats, 'repeats dropped: the same event was imported before'],
    [summary.changed, 'of the imported repeat an eventID with another text'],
    [summary.skipped - summary.filesSkipped, 'records skipped'],
    [summary.files, 'files'],
    [summary.filesSkipped, 'of them skipped: damaged, not readable, or no log files'],
    [summary.filesEmpty, 'of them empty'],
    [summary.filesKnown, 'of them were finished by an earlier run'],
    [summary.digestFilesIgnored, 'digest files left alone'],
  ]
  const shown = rows.filter(([value], index) => value > 0 || index === 0)
  const lines = shown.map(([value, what]) => `${counted(value).padStart(14)}  ${what}`)
  const seconds = summary.seconds.toFixed(1)
  lines.push(`${seconds.padStart(14)}  seconds, ${counted(summary.eventsPerSecond)} events/s`)
  return `${lines.join('\n')}\n`
}
