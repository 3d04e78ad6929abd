/**
 * Listing with a delimiter: keys that share a prefix up to it are rolled up into one entry, and the
 * scan jumps behind them (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html).
 * Everything is bytes: S3 orders and cuts UTF-8, not UTF-16.
 */

export interface Keyed {
  readonly key: Buffer
}

/** Where a scan resumes: at the first key, from a key on, or behind a row it has seen. */
export type Position<Row extends Keyed> = { from: Buffer } | { behind: Row }

export type Entry<Row extends Keyed> = { row: Row } | { commonPrefix: Buffer }

export interface RollUpQuery<Row extends Keyed> {
  readonly prefix: Buffer
  /** Empty: nothing is rolled up. */
  readonly delimiter: Buffer
  /** Where to begin; the prefix's own start when it lies before it. */
  readonly start: Position<Row>
  /** Common prefixes not greater than this were listed before. Empty: none. */
  readonly prefixesAfter: Buffer
  readonly limit: number
  /** Rows in order from `position` on, at most `limit`. */
  readonly scan: (position: Position<Row>, limit: number) => Row[]
}

const FIRST_SCAN_ROWS = 64
const SCAN_ROWS_MAX = 1_000

/**
 * The least byte string greater than every one that begins with `prefix`; undefined when there is
 * none. UTF-8 has no byte 255, but a prefix cut by a caller might.
 */
export const successorOf = (prefix: Buffer): Buffer | undefined => {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end -= 1
  if (end === 0) return undefined
  const successor = Buffer.from(prefix.subarray(0, end))
  successor.writeUInt8(successor.readUInt8(end - 1) + 1, end - 1)
  return successor
}

const commonPrefixOf = (key: Buffer, prefix: Buffer, delimiter: Buffer): Buffer | undefined => {
  if (delimiter.length === 0) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.subarray(0, at + delimiter.length)
}

/** At most `limit` entries; `truncated` when at least one more follows. */
export const rollUp = <Row extends Keyed>(
  query: RollUpQuery<Row>,
): { entries: Entry<Row>[]; truncated: boolean } => {
  const { prefix, delimiter, limit } = query
  const entries: Entry<Row>[] = []
  let position = query.start
  let batch = Math.min(FIRST_SCAN_ROWS, limit + 1)
  for (;;) {
    const rows = query.scan(position, batch)
    let skipTo: Buffer | undefined
    for (const row of rows) {
      if (skipTo !== undefined && row.key.compare(skipTo) < 0) continue
      if (!row.key.subarray(0, prefix.length).equals(prefix)) return { entries, truncated: false }
      const commonPrefix = commonPrefixOf(row.key, prefix, delimiter)
      if (commonPrefix !== undefined) skipTo = successorOf(commonPrefix)
      const listed = commonPrefix !== undefined && commonPrefix.compare(query.prefixesAfter) <= 0
      if (listed) continue
      if (entries.length === limit) return { entries, truncated: true }
      entries.push(commonPrefix === undefined ? { row } : { commonPrefix })
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < batch) return { entries, truncated: false }
    position =
      skipTo !== undefined && last.key.compare(skipTo) < 0 ? { from: skipTo } : { behind: last }
    batch = Math.min(SCAN_ROWS_MAX, batch * 2)
  }
}
