import type { OperationCall, OperationInput } from '../../contract/operation.ts'
import type { HistoryQuery, LookupAttributeKey } from '../history.ts'

type Attribute = NonNullable<OperationInput<'LookupEvents'>['LookupAttributes']>[number]
type Category = HistoryQuery['category']

/**
 * Characters. The documentation counts `_`, space, comma and line feed twice; natively 1,001
 * underscores are accepted (reference/formats.md §7), so that each counts once here.
 */
const VALUE_CHARACTERS_MAX = 2000

const KEYS: Readonly<Record<Category, readonly LookupAttributeKey[]>> = {
  Management: [
    'EventId',
    'EventName',
    'ReadOnly',
    'Username',
    'ResourceType',
    'ResourceName',
    'EventSource',
    'AccessKeyId',
  ],
  Insight: ['EventId', 'EventName', 'EventSource'],
}

/** Refuses with InvalidLookupAttributesException what the category has not or no event can have. */
export const checkAttribute = (
  attribute: Attribute,
  category: Category,
  call: OperationCall<'LookupEvents'>,
): { key: LookupAttributeKey; value: string } => {
  const { AttributeKey: key, AttributeValue: value } = attribute
  const refuse = (message: string) => call.fault('InvalidLookupAttributesException', message)
  if (!KEYS[category].includes(key)) {
    throw refuse(
      `Attribute key ${String(key)} is not valid here. Use: ${KEYS[category].join(', ')}.`,
    )
  }
  if (typeof value !== 'string' || value.length < 1 || value.length > VALUE_CHARACTERS_MAX) {
    throw refuse(`The value of ${key} must have 1 to ${VALUE_CHARACTERS_MAX} characters.`)
  }
  if (key === 'ReadOnly' && value !== 'true' && value !== 'false') {
    throw refuse('The value of ReadOnly must be true or false.')
  }
  return { key, value }
}
