/**
 * Which runs to merge. Runs are in tiers by their size, each FAN_IN times the one below; a tier with
 * FAN_IN runs becomes one run of a higher tier. So a look-up probes few runs of a day, and an event
 * is written again once per tier (docs/decisions/0025).
 */
import { RUN_EVENTS_MAX, type RunHead } from './run.ts'

const FAN_IN = 4
/** Events below which a run is of the lowest tier. */
const LOWEST_TIER_EVENTS = 64
/** Above it a run stays as it is: two of its size would not fit into one. */
const FINAL_EVENTS = RUN_EVENTS_MAX / 2
/** Postings of a merged run: 24 MiB while it is sorted. */
const MERGED_POSTINGS_MAX = 3_145_728

const tierOf = (events: number): number => {
  let tier = 0
  for (let limit = LOWEST_TIER_EVENTS; events >= limit; limit *= FAN_IN) tier++
  return tier
}

type Sized = Pick<RunHead, 'events' | 'postings'>

/** The runs to merge into one next; none when all tiers are small enough. */
export const runsToMerge = <Run extends Sized>(runs: readonly Run[]): Run[] => {
  const small = runs.filter(({ events }) => events <= FINAL_EVENTS)
  if (small.length < FAN_IN) return []
  const tiers = Map.groupBy(small, ({ events }) => tierOf(events))
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const members = tiers.get(tier) ?? []
    if (members.length < FAN_IN) continue
    const fitting = fit(members)
    if (fitting.length > 1) return fitting
  }
  return []
}

/** The runs to merge when nothing arrives: all small ones, so that a day of the past has few. */
export const runsToSettle = <Run extends Sized>(runs: readonly Run[]): Run[] => {
  const fitting = fit(runs.filter(({ events }) => events <= FINAL_EVENTS))
  return fitting.length > 1 ? fitting : []
}

/** The smallest ones, as many as one run can hold. */
const fit = <Run extends Sized>(runs: readonly Run[]): Run[] => {
  let events = 0
  let postings = 0
  return [...runs]
    .sort((a, b) => a.events - b.events)
    .filter((run) => {
      events += run.events
      postings += run.postings
      return events <= RUN_EVENTS_MAX && postings <= MERGED_POSTINGS_MAX
    })
}
