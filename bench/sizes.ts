/** How much is measured: for the report, for `--quick`, and by `--size NAME=VALUE`. */

export interface Sizes {
  /** Counted rounds of the scenarios that are short. */
  readonly rounds: number
  /** Requests a round at concurrency 1 and at `concurrency`. */
  readonly requestsAlone: number
  readonly requestsTogether: number
  readonly concurrency: number
  readonly transferBytes: number
  readonly importEvents: number
  readonly lookupEvents: number
  readonly lookupEventsLarge: number
  /** Look-ups of each attribute. */
  readonly lookups: number
  /** Calls a second of the scenarios with a steady load, and how long it lasts. */
  readonly callRate: number
  readonly freshnessSeconds: number
  readonly memorySeconds: number
  readonly verifyFiles: number
  readonly verifyDays: number
}

const FULL: Sizes = {
  rounds: 5,
  requestsAlone: 1_500,
  requestsTogether: 8_000,
  concurrency: 16,
  transferBytes: 256 * 1024 * 1024,
  importEvents: 1_000_000,
  lookupEvents: 1_000_000,
  lookupEventsLarge: 10_000_000,
  lookups: 400,
  callRate: 1_000,
  freshnessSeconds: 60,
  memorySeconds: 600,
  verifyFiles: 20_000,
  verifyDays: 30,
}

const QUICK: Sizes = {
  rounds: 1,
  requestsAlone: 200,
  requestsTogether: 1_000,
  concurrency: 16,
  transferBytes: 8 * 1024 * 1024,
  importEvents: 4_000,
  lookupEvents: 4_000,
  lookupEventsLarge: 8_000,
  lookups: 20,
  callRate: 200,
  freshnessSeconds: 4,
  memorySeconds: 6,
  verifyFiles: 300,
  verifyDays: 3,
}

/** `overrides`: texts such as `verifyFiles=500`. Throws for a name or a number that is none. */
export const sizesOf = (quick: boolean, overrides: readonly string[]): Sizes => {
  const sizes: Record<string, number> = { ...(quick ? QUICK : FULL) }
  for (const text of overrides) {
    const [name = '', value = ''] = text.split('=')
    const number = Number(value)
    if (sizes[name] === undefined || !Number.isInteger(number) || number <= 0) {
      throw new Error(`--size ${text}: it is one of ${Object.keys(sizes).join(', ')} = a count`)
    }
    sizes[name] = number
  }
  return sizes as unknown as Sizes
}
