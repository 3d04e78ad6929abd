/** A log file to import, wherever it lies. */
export interface ImportSource {
  /** What people call it: a path, or `s3://bucket/key`. */
  readonly name: string
  /** Stored bytes. */
  readonly size: number
  /** Changes with the content: size and time of a file, ETag of an object. */
  readonly version: string
  /** The stored bytes from the beginning. */
  open(): AsyncIterable<Buffer>
}

/** Digests lie in the same folders as the log files and hold no events. */
const DIGEST = /(^|[/\\])CloudTrail-Digest([/\\])/

export const isDigestFile = (name: string): boolean => DIGEST.test(name)

const DATE = /(\d{4})[-/\\]?(\d\d)[-/\\]?(\d\d)(?:T(\d{4}))?(?!.*\d{4}[-/\\]?\d\d[-/\\]?\d\d)/s

/** Digits of the last date in a name: `202603020815` of a log file's, `` where there is none. */
const dateOf = (name: string): string => {
  const [, year = '', month = '', day = '', time = ''] = DATE.exec(name) ?? []
  return `${year}${month}${day}${time}`
}

/**
 * By the time that the names tell, then by name: the event history and the index of repeats are
 * ordered by time, and account by account every batch would touch each of their days. Names without a
 * time come last.
 */
export const inTimeOrder = (sources: readonly ImportSource[]): ImportSource[] => {
  const dated = sources.map((source) => ({ source, date: dateOf(source.name) || '~' }))
  dated.sort((a, b) => {
    if (a.date !== b.date) return a.date < b.date ? -1 : 1
    return a.source.name < b.source.name ? -1 : 1
  })
  return dated.map(({ source }) => source)
}
