import { createHash } from 'node:crypto'
import type { OperationCall, OperationInput } from '../../contract/operation.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import type { HistoryPosition } from '../history.ts'
import { isObject, type JsonObject } from '../json.ts'

type Input = OperationInput<'LookupEvents'>
type Call = OperationCall<'LookupEvents'>

export interface PageTokens {
  seal(next: HistoryPosition, input: Input, call: Call): string
  /** Undefined without a token. Throws InvalidNextTokenException for one that was not given for this. */
  open(input: Input, call: Call): HistoryPosition | undefined
}

const PURPOSE = 'lookup-events page'

/** What a token is bound to: every parameter but itself, and whose history it is. */
const bindingOf = (input: Input, { account, region }: Call): string => {
  const { LookupAttributes, StartTime, EndTime, EventCategory, MaxResults } = input
  const attributes = (LookupAttributes ?? []).map((each) => [
    each.AttributeKey,
    each.AttributeValue,
  ])
  const bound = [account, region, attributes, StartTime, EndTime, EventCategory, MaxResults]
  return createHash('sha256').update(JSON.stringify(bound)).digest('base64')
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)

const positionOf = ({ t, s, q, i }: JsonObject): HistoryPosition | undefined =>
  isNumber(t) && isNumber(s) && isNumber(q) && isNumber(i)
    ? { time: t, shard: s, sequence: q, index: i }
    : undefined

export const createPageTokens = (master: MasterKey): PageTokens => ({
  seal: ({ time, shard, sequence, index }, input, call) => {
    const content = { t: time, s: shard, q: sequence, i: index, for: bindingOf(input, call) }
    return master.sealText(JSON.stringify(content), PURPOSE)
  },
  open: (input, call) => {
    if (input.NextToken === undefined) return
    const invalid = () => call.fault('InvalidNextTokenException', 'Invalid token.')
    let content: unknown
    try {
      content = JSON.parse(master.openText(input.NextToken, PURPOSE).toString('utf8'))
    } catch {
      // Whatever does not open was not given out by this server.
      throw invalid()
    }
    if (!isObject(content) || content.for !== bindingOf(input, call)) throw invalid()
    const position = positionOf(content)
    if (position === undefined) throw invalid()
    return position
  },
})
