/**
 * How often a property is tried. CLEW_TEST_FUZZ_RUNS=20 tries each twenty times as often as
 * `npm test` does; a failure prints its seed and path, which CLEW_TEST_FUZZ_SEED repeats.
 */
import fc from 'fast-check'

const timesText = process.env.CLEW_TEST_FUZZ_RUNS ?? '1'
const times = Number(timesText)
if (!(times > 0)) throw new Error(`CLEW_TEST_FUZZ_RUNS must be a number above 0, not ${timesText}`)

const seedText = process.env.CLEW_TEST_FUZZ_SEED
const seed = seedText === undefined ? {} : { seed: Number(seedText) }

/** Settings of a property that `npm test` tries `usual` times. */
export const runs = (usual: number): { numRuns: number; seed?: number } => ({
  numRuns: Math.max(1, Math.round(usual * times)),
  ...seed,
})

/** Asserts a property, synchronous or not. */
export const holds = async <Values extends [unknown, ...unknown[]]>(
  usual: number,
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  predicate: (...values: Values) => void | Promise<void>,
): Promise<void> => {
  const property = fc.asyncProperty(...arbitraries, async (...values: Values) => {
    await predicate(...values)
  })
  await fc.assert(property, runs(usual))
}
