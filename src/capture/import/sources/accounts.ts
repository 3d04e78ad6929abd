/**
 * Which accounts a file may name: a quick look at the bytes that takes every account id behind a
 * member `accountId` or `recipientAccountId`, wherever it stands. It may find more than the events'
 * own accounts; one that it misses (a name spelled with escapes) is refused when its event comes.
 */
const NEEDLE = Buffer.from('ccountId')
/** From `ccountId` to the end of the value, with some white space. */
const WINDOW_BYTES = 96
const VALUE = /^ccountId\\?"\s*:\s*\\?"(\d{12})\\?"/

export interface AccountScanner {
  push(chunk: Buffer): void
  accounts(): string[]
}

export const createAccountScanner = (): AccountScanner => {
  const found = new Set<string>()
  let rest: Buffer = Buffer.alloc(0)

  const scan = (bytes: Buffer, end: number): void => {
    for (
      let at = bytes.indexOf(NEEDLE);
      at !== -1 && at < end;
      at = bytes.indexOf(NEEDLE, at + 8)
    ) {
      const [, account] = VALUE.exec(bytes.toString('latin1', at, at + WINDOW_BYTES)) ?? []
      if (account !== undefined) found.add(account)
    }
  }

  return {
    push: (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      // A name near the end is looked at when what follows it has come.
      const end = Math.max(0, bytes.length - WINDOW_BYTES)
      scan(bytes, end)
      rest = Buffer.from(bytes.subarray(Math.max(0, end - NEEDLE.length + 1)))
    },
    accounts: () => {
      scan(rest, rest.length)
      return [...found]
    },
  }
}
