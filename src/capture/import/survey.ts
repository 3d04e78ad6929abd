/** Before an import delivers: which accounts do its files name? */

import { QUOTE } from '../../event/json-bytes.ts'
import { JUNK_BYTES_MAX } from './json/cut-record.ts'
import { RecordCutter } from './json/record-cutter.ts'
import type { ReadEvent } from './read-event.ts'
import type { ImportStore } from './repeats/import-store.ts'
import { createAccountScanner } from './sources/accounts.ts'
import { contentOf, isFileFault } from './sources/content.ts'
import type { ImportSource } from './sources/source.ts'

/**
 * Every account that may be an event's; what was found of a file is remembered, so that a run that
 * goes on looks at no file twice. A file that cannot be read is passed over: the import reports it,
 * and takes none of its events if it can be read then. Returns early when the signal is aborted.
 */
export const surveyAccounts = async (
  sources: readonly ImportSource[],
  store: ImportStore,
  options: { readonly advanced: (storedBytes: number) => void; readonly signal: AbortSignal },
): Promise<string[]> => {
  const found = new Set<string>()
  for (const source of sources) {
    if (options.signal.aborted) break
    const { name, version, size } = source
    let accounts = store.survey(name, version)
    if (accounts === undefined) {
      accounts = await accountsIn(source, options.signal)
      // Not known next time either: a file may become readable without being changed.
      if (accounts !== undefined) store.putSurvey(name, version, accounts)
    }
    for (const account of accounts ?? []) found.add(account)
    options.advanced(size)
  }
  return [...found].sort()
}

/**
 * The accounts of `doubted` that events of the files really name: a quick look also finds accounts
 * of callers and resources. Reads those files whole whose survey names one of them. Returns early
 * when the signal is aborted.
 */
export const confirmAccounts = async (
  sources: readonly ImportSource[],
  doubted: readonly string[],
  store: ImportStore,
  readEvent: ReadEvent,
  signal?: AbortSignal,
): Promise<string[]> => {
  const confirmed = new Set<string>()
  for (const { name, version, open, size } of sources) {
    const before = store.survey(name, version) ?? []
    if (!before.some((account) => doubted.includes(account))) continue
    const accounts = await eventAccountsIn({ name, version, open, size }, readEvent, signal)
    if (signal?.aborted) break
    if (accounts === undefined) continue
    store.putSurvey(name, version, accounts)
    for (const account of accounts) if (doubted.includes(account)) confirmed.add(account)
  }
  return [...confirmed].sort()
}

/** What `read` takes of the content; undefined where the file cannot be read, or the signal is aborted. */
const readThrough = async (
  source: ImportSource,
  signal: AbortSignal | undefined,
  read: (piece: Buffer) => 'more' | 'enough',
): Promise<'read' | undefined> => {
  try {
    for await (const piece of contentOf(source, signal)) {
      if (signal?.aborted || read(piece) === 'enough') break
    }
  } catch (error) {
    // Of such a file nothing more is imported; the import itself reports it.
    if (isFileFault(error)) return undefined
    throw error
  }
  return signal?.aborted ? undefined : 'read'
}

const eventAccountsIn = async (
  source: ImportSource,
  readEvent: ReadEvent,
  signal: AbortSignal | undefined,
): Promise<string[] | undefined> => {
  const found = new Set<string>()
  const cutter = new RecordCutter({
    record: (bytes, { members, spansLines, outline }) => {
      const event = readEvent({ bytes, members, spansLines, outline })
      if (event === 'no-json') return false
      if ('account' in event) found.add(event.account)
      return true
    },
    problem: () => {}, // the import reports it
  })
  const result = await readThrough(source, signal, (piece) => {
    cutter.push(piece)
    return cutter.ended ? 'enough' : 'more'
  })
  if (result === undefined) return undefined
  cutter.end()
  return [...found]
}

/**
 * Bytes since the last quotation mark. No event is without one, so that beyond the cutter's bound the
 * rest is junk, which the import gives up too; an event behind it would be refused for its account.
 */
const createJunkCount = (): ((piece: Buffer) => number) => {
  let junk = 0
  return (piece) => {
    const last = piece.lastIndexOf(QUOTE)
    junk = last === -1 ? junk + piece.length : piece.length - last - 1
    return junk
  }
}

const accountsIn = async (
  source: ImportSource,
  signal: AbortSignal,
): Promise<string[] | undefined> => {
  const scanner = createAccountScanner()
  const junkAfter = createJunkCount()
  const result = await readThrough(source, signal, (piece) => {
    scanner.push(piece)
    return junkAfter(piece) > JUNK_BYTES_MAX ? 'enough' : 'more'
  })
  return result && scanner.accounts()
}
