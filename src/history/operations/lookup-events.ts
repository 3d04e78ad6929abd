import type { Operation, OperationCall, OperationInput } from '../../contract/operation.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import type { History, HistoryQuery } from '../history.ts'
import { checkAttribute } from './lookup-attribute.ts'
import { lookupEventOf } from './lookup-event.ts'
import { createPageTokens } from './page-token.ts'

type Input = OperationInput<'LookupEvents'>
type Call = OperationCall<'LookupEvents'>

export interface LookupEventsOptions {
  readonly master: MasterKey
}

/** As AWS's event history (API_LookupEvents). */
const WINDOW_MS = 90 * 86_400_000
const RESULTS_MAX = 50

/** The 90-day event history of one account and region, newest first (reference/control-plane.md A.3). */
export const lookupEvents = (
  history: History,
  options: LookupEventsOptions,
): Operation<'LookupEvents'> => {
  const tokens = createPageTokens(options.master)
  return async (input, call) => {
    const query = queryOf(input, call)
    const after = tokens.open(input, call)
    const { events, next } = await history.search(after === undefined ? query : { ...query, after })
    const Events = events.map(lookupEventOf)
    return next === undefined ? { Events } : { Events, NextToken: tokens.seal(next, input, call) }
  }
}

/** The checks of the input, each with its own exception (A.3); the token's is in page-token.ts. */
const queryOf = (input: Input, call: Call): HistoryQuery => {
  const category = categoryOf(input, call)
  const limit = limitOf(input, call)
  const range = rangeOf(input, call)
  // One attribute is the documented maximum; a live test found that of two the first is applied
  // and the second ignored (A.3, servonaut pull request 103).
  const first = input.LookupAttributes?.[0]
  const attributes = first === undefined ? [] : [checkAttribute(first, category, call)]
  return { account: call.account, region: call.region, category, attributes, ...range, limit }
}

const categoryOf = ({ EventCategory }: Input, call: Call): HistoryQuery['category'] => {
  if (EventCategory === undefined) return 'Management'
  if (EventCategory === 'insight') return 'Insight'
  throw call.fault(
    'InvalidEventCategoryException',
    `Invalid event category: ${String(EventCategory)}. The only valid value is insight.`,
  )
}

const limitOf = ({ MaxResults }: Input, call: Call): number => {
  const limit = MaxResults ?? RESULTS_MAX
  if (Number.isInteger(limit) && limit >= 1 && limit <= RESULTS_MAX) return limit
  throw call.fault(
    'InvalidMaxResultsException',
    `A MaxResults value of ${limit} is invalid. Specify max results between 1 and ${RESULTS_MAX}.`,
  )
}

/**
 * Both bounds are inclusive. Events have whole seconds, so that an end in whole seconds includes all
 * of its second, for imported events that have fractions. Without an end nothing is too new.
 */
const rangeOf = ({ StartTime, EndTime }: Input, call: Call): { from: number; to: number } => {
  const oldest = call.now - WINDOW_MS
  const start = StartTime === undefined ? oldest : Math.round(StartTime * 1000)
  const end = EndTime === undefined ? Number.MAX_SAFE_INTEGER : Math.round(EndTime * 1000)
  if (!Number.isFinite(start) || !Number.isFinite(end) || start > end) {
    throw call.fault(
      'InvalidTimeRangeException',
      'The start time must not be later than the end time.',
    )
  }
  if (start > call.now) {
    throw call.fault('InvalidTimeRangeException', 'The start time must not be in the future.')
  }
  const to = end % 1000 === 0 ? end + 999 : end
  return { from: Math.max(start, oldest), to: Math.min(to, Number.MAX_SAFE_INTEGER) }
}
