/** The comparison of the look-ups: a DuckDB table with a column for every attribute, and its queries. */
import { type DuckDBConnection, DuckDBInstance, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import type { Lookup } from './history-folder.ts'
import { ATTRIBUTES, type Attribute, type IndexedEvent } from './indexed-events.ts'

const LISTS: readonly Attribute[] = ['ResourceName', 'ResourceType']
/** As a page of LookupEvents. */
const PAGE = 50
const OPTIONS = { memory_limit: '4GB', threads: '2' }

const isList = (attribute: Attribute): boolean => LISTS.includes(attribute)

export interface EventTable {
  append(event: IndexedEvent): void
  flush(): void
  close(): void
}

export const createEventTable = async (file: string): Promise<EventTable> => {
  const instance = await DuckDBInstance.create(file, OPTIONS)
  const connection = await instance.connect()
  const columns = ATTRIBUTES.map((name) => `${name} VARCHAR${isList(name) ? '[]' : ''}`)
  await connection.run(
    `CREATE TABLE events (account VARCHAR, region VARCHAR, time VARCHAR, ${columns.join(', ')}, text VARCHAR)`,
  )
  const appender = await connection.createAppender('events')
  const list = LIST(VARCHAR)
  return {
    append: ({ account, region, time, values, text }) => {
      for (const value of [account, region, time]) appender.appendVarchar(value)
      for (const name of ATTRIBUTES) {
        const [first] = values[name]
        if (isList(name)) appender.appendList(listValue([...values[name]]), list)
        else if (first === undefined) appender.appendNull()
        else appender.appendVarchar(first)
      }
      appender.appendVarchar(text)
      appender.endRow()
    },
    flush: () => appender.flushSync(),
    close: () => {
      appender.closeSync()
      connection.closeSync()
      instance.closeSync()
    },
  }
}

const query = (connection: DuckDBConnection, attribute: Attribute) => {
  const matches = isList(attribute) ? `list_contains(${attribute}, $3)` : `${attribute} = $3`
  return connection.prepare(
    `SELECT text FROM events WHERE account = $1 AND region = $2 AND ${matches} ORDER BY time DESC LIMIT ${PAGE}`,
  )
}

/** Milliseconds of each look-up, one after the other. */
export const timeQueries = async (
  file: string,
  attribute: Attribute,
  lookups: readonly Lookup[],
): Promise<number[]> => {
  const instance = await DuckDBInstance.create(file, OPTIONS)
  const connection = await instance.connect()
  try {
    const statement = await query(connection, attribute)
    const times: number[] = []
    for (const { account, region, value } of lookups) {
      statement.bindVarchar(1, account)
      statement.bindVarchar(2, region)
      statement.bindVarchar(3, value)
      const at = performance.now()
      const rows = (await statement.runAndReadAll()).getRows()
      times.push(performance.now() - at)
      if (rows.length === 0) throw new Error(`DuckDB has no event by ${attribute} ${value}`)
    }
    return times
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
