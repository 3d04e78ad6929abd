import type { Readable } from 'node:stream'
import type { KeysContext } from '../keys.ts'

/** Where a command reads from and writes to. */
export interface Terminal {
  readonly input: Readable
  out(text: string): void
}

export const processTerminal = (): Terminal => ({
  input: process.stdin,
  out: (text) => {
    process.stdout.write(text)
  },
})

export interface KeysEnvironment {
  readonly open: () => Promise<KeysContext>
  readonly terminal: Terminal
}

/** Runs one command on an open store and closes it, whatever happens. */
export const withStore = async (
  { open }: KeysEnvironment,
  run: (context: KeysContext) => Promise<void>,
): Promise<void> => {
  const context = await open()
  try {
    await run(context)
  } finally {
    await context.close()
  }
}

export const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

/** Columns padded to their widest cell, two spaces apart. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
