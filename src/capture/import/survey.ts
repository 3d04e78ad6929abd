/** Before an import delivers: which accounts do its files name? */

import { ImportError } from './import-error.ts'
import { RecordCutter } from './json/record-cutter.ts'
import type { ReadEvent } from './read-event.ts'
import type { ImportStore } from './repeats/import-store.ts'
import { createAccountScanner } from './sources/accounts.ts'
import { contentOf } from './sources/content.ts'
import type { ImportSource } from './sources/source.ts'

/**
 * Every account that may be an event's; what was found of a file is remembered, so that a run that
 * goes on looks at no file twice. Returns early when the signal is aborted.
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
      accounts = await accountsIn(source)
      store.putSurvey(name, version, accounts)
    }
    for (const account of accounts) found.add(account)
    options.advanced(size)
  }
  return [...found].sort()
}

/**
 * The accounts of `doubted` that events of the files really name: a quick look also finds accounts
 * of callers and resources. Reads those files whole whose survey names one of them.
 */
export const confirmAccounts = async (
  sources: readonly ImportSource[],
  doubted: readonly string[],
  store: ImportStore,
  readEvent: ReadEvent,
): Promise<string[]> => {
  const confirmed = new Set<string>()
  for (const { name, version, open, size } of sources) {
    const before = store.survey(name, version) ?? []
    if (!before.some((account) => doubted.includes(account))) continue
    const accounts = await eventAccountsIn({ name, version, open, size }, readEvent)
    store.putSurvey(name, version, accounts)
    for (const account of accounts) if (doubted.includes(account)) confirmed.add(account)
  }
  return [...confirmed].sort()
}

const eventAccountsIn = async (source: ImportSource, readEvent: ReadEvent): Promise<string[]> => {
  const found = new Set<string>()
  const cutter = new RecordCutter({
    record: (bytes, { members, spansLines }) => {
      const event = readEvent({ bytes, members, spansLines })
      if (event === 'no-json') return false
      if ('account' in event) found.add(event.account)
      return true
    },
    problem: () => {}, // the import reports it
  })
  for await (const piece of contentOf(source)) {
    cutter.push(piece)
    if (cutter.ended) break
  }
  cutter.end()
  return [...found]
}

const accountsIn = async (source: ImportSource): Promise<string[]> => {
  const scanner = createAccountScanner()
  try {
    for await (const piece of contentOf(source)) scanner.push(piece)
  } catch (error) {
    // Nothing of a damaged file is imported; the import itself reports it.
    if (error instanceof ImportError && error.code === 'damaged') return []
    throw error
  }
  return scanner.accounts()
}
