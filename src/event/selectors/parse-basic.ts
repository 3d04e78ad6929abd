/** Basic event selectors: rules and defaults (reference/control-plane.md §B.1, §E.1). */
import { SelectorError } from './selector-error.ts'
import type { EventSelector } from './types.ts'

const SELECTORS_MAX = 5
const DATA_RESOURCE_VALUES_MAX = 250

/** As the API takes it. */
export interface EventSelectorInput {
  readonly ReadWriteType?: EventSelector['ReadWriteType']
  readonly IncludeManagementEvents?: boolean
  readonly DataResources?: readonly {
    readonly Type?: string
    readonly Values?: readonly string[]
  }[]
  readonly ExcludeManagementEventSources?: readonly string[]
}

/** The only sources whose management events can be left out. */
export const EXCLUDABLE_SOURCES: ReadonlySet<string> = new Set([
  'kms.amazonaws.com',
  'rdsdata.amazonaws.com',
])

/** What a selector of API-created trails says (§B.6). */
export const DEFAULT_BASIC_SELECTOR: EventSelector = {
  ReadWriteType: 'All',
  IncludeManagementEvents: true,
  DataResources: [],
  ExcludeManagementEventSources: [],
}

interface BasicResourceRule {
  /** Values that stand for every resource; `p` is the partition. */
  readonly everything: (p: string) => readonly string[]
  readonly one: (p: string) => RegExp
}

/** By DataResource.Type: no other type is legal in basic selectors. */
const RESOURCE_RULES: ReadonlyMap<string, BasicResourceRule> = new Map([
  [
    'AWS::S3::Object',
    {
      everything: (p) => [`arn:${p}:s3`, `arn:${p}:s3:::`],
      // A bucket always has its slash; wild cards do not exist.
      one: (p) => new RegExp(`^arn:${p}:s3:::[a-zA-Z0-9.\\-_]+/.*$`, 's'),
    },
  ],
  [
    'AWS::Lambda::Function',
    {
      everything: (p) => [`arn:${p}:lambda`],
      one: (p) => new RegExp(`^arn:${p}:lambda:[a-z0-9-]+:\\d{12}:function:[\\w-]+(:[\\w$-]+)?$`),
    },
  ],
  [
    'AWS::DynamoDB::Table',
    {
      everything: (p) => [`arn:${p}:dynamodb`],
      one: (p) => new RegExp(`^arn:${p}:dynamodb:[a-z0-9-]+:\\d{12}:table/[\\w.-]+$`),
    },
  ],
])

const invalid = (message: string): SelectorError => new SelectorError(message)

/** Checks the values of one data resource; returns how many count against the quota. */
const countValues = (type: string, values: readonly string[], partition: string): number => {
  const rule = RESOURCE_RULES.get(type)
  if (rule === undefined) throw invalid(`Value ${type} for DataResources.Type is invalid.`)
  const everything = rule.everything(partition)
  const one = rule.one(partition)
  const single = values.filter((value) => !everything.includes(value))
  const wrong = single.find((value) => !one.test(value))
  if (wrong !== undefined) {
    throw invalid(`Value ${wrong} for DataResources.Values is invalid.`)
  }
  return single.length
}

const parseOne = (input: EventSelectorInput): EventSelector => {
  const selector: EventSelector = {
    ReadWriteType: input.ReadWriteType ?? DEFAULT_BASIC_SELECTOR.ReadWriteType,
    IncludeManagementEvents: input.IncludeManagementEvents ?? true,
    DataResources: (input.DataResources ?? []).map(({ Type, Values }) => {
      if (Type === undefined) throw invalid('Specify a DataResources.Type for every data resource.')
      return { Type, Values: Values ?? [] }
    }),
    ExcludeManagementEventSources: input.ExcludeManagementEventSources ?? [],
  }
  const unknown = selector.ExcludeManagementEventSources.find(
    (source) => !EXCLUDABLE_SOURCES.has(source),
  )
  if (unknown !== undefined) {
    throw invalid(`Value ${unknown} for ExcludeManagementEventSources is invalid.`)
  }
  if (selector.ExcludeManagementEventSources.length > 0 && !selector.IncludeManagementEvents) {
    throw invalid(
      'ExcludeManagementEventSources needs IncludeManagementEvents to be true in the same selector.',
    )
  }
  return selector
}

/** Throws SelectorError. `partition` is that of the trail's region. */
export const parseBasicSelectors = (
  input: readonly EventSelectorInput[],
  partition: string,
): EventSelector[] => {
  if (input.length === 0 || input.length > SELECTORS_MAX) {
    throw invalid(`Specify a valid number of selectors (1 to ${SELECTORS_MAX}) for your trail.`)
  }
  const selectors = input.map(parseOne)
  const values = selectors
    .flatMap((selector) => selector.DataResources)
    .reduce((sum, resource) => sum + countValues(resource.Type, resource.Values, partition), 0)
  if (values > DATA_RESOURCE_VALUES_MAX) {
    throw invalid(
      `Specify a valid number of DataResources.Values (0 to ${DATA_RESOURCE_VALUES_MAX}) for all your selectors`,
    )
  }
  return selectors
}
