import { Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '../config.ts'
import type { History, HistoryPosition } from '../history/history.ts'
import { parseRecord } from '../history/json.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { type EventFilter, filterOf, matchesRest, withFilters } from './event-filter.ts'
import {
  CSV_HEADER,
  csvRow,
  jsonLine,
  type ShownEvent,
  TABLE_HEADER,
  tableRow,
} from './output/formats.ts'
import { createOutput, type Output } from './output/stream.ts'
import { configOf, withSettings } from './settings-options.ts'

/** Opens the history of a data folder for reading; a server may be running on it. */
export type OpenHistory = (config: Config) => Promise<History>

export type EventsFormat = 'table' | 'csv' | 'json'

export interface EventsRun {
  readonly history: History
  readonly filter: EventFilter
  readonly category: 'Management' | 'Insight'
  readonly format: EventsFormat
  /** Absent: all. */
  readonly limit?: number
  readonly output: Output
  /** For people, on stderr. */
  readonly notice: (text: string) => void
  readonly clock: Clock
}

/** Events fetched at a time: what a download keeps in memory. */
const PAGE_EVENTS = 500
/** A table is for reading; downloads have no bound of their own. */
const TABLE_LIMIT = 100
const NOTICE_EVERY_MS = 5_000

const HEADERS: Readonly<Record<EventsFormat, string>> = {
  table: TABLE_HEADER,
  csv: CSV_HEADER,
  json: '',
}

const FORMATS: Readonly<Record<EventsFormat, (event: ShownEvent) => string | Buffer>> = {
  table: tableRow,
  csv: csvRow,
  json: jsonLine,
}

/** Writes the matching events, newest first; returns how many. */
export const runEvents = async (run: EventsRun): Promise<number> => {
  const { filter, format, output, clock } = run
  const limit = run.limit ?? Number.POSITIVE_INFINITY
  if (HEADERS[format] !== '' && !(await output.write(HEADERS[format]))) return 0
  let shown = 0
  let noticeAt = clock.monotonic() + NOTICE_EVERY_MS
  for await (const text of allMatching(run)) {
    const record = parseRecord(text)
    if (record === undefined || !matchesRest(filter, record, text)) continue
    if (shown >= limit) {
      run.notice(`More events match; --limit ${limit} shows these.`)
      return shown
    }
    if (!(await output.write(FORMATS[format]({ text, record })))) return shown
    shown++
    if (clock.monotonic() < noticeAt) continue
    run.notice(`${shown} events so far.`)
    noticeAt = clock.monotonic() + NOTICE_EVERY_MS
  }
  return shown
}

/** Page by page, so that a download of any size takes the memory of one. */
async function* allMatching({ history, filter, category }: EventsRun): AsyncGenerator<Buffer> {
  const { account, region, attributes, from, to } = filter
  const where = {
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
  }
  let after: HistoryPosition | undefined
  do {
    const { events, next } = await history.search({
      ...where,
      ...{ category, attributes, from, to, limit: PAGE_EVENTS },
      ...(after === undefined ? {} : { after }),
    })
    for (const { text } of events) yield text
    after = next
  } while (after !== undefined)
}

const count = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a number from 1 on.')
}

const formatOption = (): Option =>
  new Option('--format <format>', 'table, csv or json (the events’ own bytes)')
    .choices(['table', 'csv', 'json'])
    .default('table')

/** `clew events`: searches the event history and downloads from it. */
export const eventsCommand = (open: OpenHistory, clock: Clock = systemClock): Command =>
  withSettings(
    withFilters(
      new Command('events').description('search and download the event history'),
      clock.now,
    )
      .addOption(formatOption())
      .option('--limit <n>', `at most so many (table: ${TABLE_LIMIT}, otherwise all)`, count)
      .option(
        '--insight',
        'Insights events instead of management events (imported ones: Clew makes none yet)',
      ),
    ['data', 'masterKeyCommand'],
  ).action(async (options: Record<string, unknown>, command: Command) => {
    const history = await open(configOf(command))
    const output = createOutput(process.stdout)
    const format = options.format as EventsFormat
    const asked = typeof options.limit === 'number' ? options.limit : undefined
    const limit = asked ?? (format === 'table' ? TABLE_LIMIT : undefined)
    try {
      await runEvents({
        ...{ history, format, output, clock, filter: filterOf(options) },
        category: options.insight === true ? 'Insight' : 'Management',
        ...(limit === undefined ? {} : { limit }),
        notice: (text) => process.stderr.write(`clew: ${text}\n`),
      })
    } finally {
      await history.close()
    }
  })
