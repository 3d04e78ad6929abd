/** Whether a selector selects a well-formed event, read off reference/control-plane.md §B.1 and §B.2. */
import type { AdvancedEventSelector, EventSelector } from '../../../src/event/selectors/types.ts'

export interface PlainEvent {
  readonly eventCategory: string
  readonly readOnly: boolean
  readonly eventSource: string
  readonly eventName: string
  readonly eventType: string
  readonly errorCode?: string
  readonly vpcEndpointId?: string
  readonly sessionCredentialFromConsole?: string
  readonly userIdentity: { readonly arn?: string }
  readonly resources?: readonly {
    readonly type?: string
    readonly ARN?: string
    readonly ARNPrefix?: string
  }[]
}

const EVERYTHING: Readonly<Record<string, readonly string[]>> = {
  'AWS::S3::Object': ['arn:aws:s3', 'arn:aws:s3:::'],
  'AWS::Lambda::Function': ['arn:aws:lambda'],
  'AWS::DynamoDB::Table': ['arn:aws:dynamodb'],
}

const isLogged = (type: string, value: string, event: PlainEvent): boolean => {
  for (const resource of event.resources ?? []) {
    if (resource.type !== type) continue
    if (EVERYTHING[type]?.includes(value)) return true
    const arn = resource.ARN ?? resource.ARNPrefix
    if (arn === undefined) continue
    if (type === 'AWS::S3::Object' ? arn.startsWith(value) : arn === value) return true
  }
  return false
}

export const basicSelects = (selector: EventSelector, event: PlainEvent): boolean => {
  const { ReadWriteType: kind } = selector
  if (kind !== 'All' && (kind === 'ReadOnly') !== event.readOnly) return false
  if (event.eventCategory === 'Management') {
    const isExcluded = selector.ExcludeManagementEventSources.includes(event.eventSource)
    return selector.IncludeManagementEvents && !isExcluded
  }
  if (event.eventCategory !== 'Data') return false
  return selector.DataResources.some(({ Type, Values }) =>
    Values.some((value) => isLogged(Type, value, event)),
  )
}

const holds = (
  condition: AdvancedEventSelector['FieldSelectors'][number],
  text: string | undefined,
): boolean => {
  const value = text ?? ''
  const is = text !== undefined
  const { Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith } = condition
  const hasPositive = Equals !== undefined || StartsWith !== undefined || EndsWith !== undefined
  const positive =
    (Equals ?? []).some((wanted) => is && value === wanted) ||
    (StartsWith ?? []).some((wanted) => is && value.startsWith(wanted)) ||
    (EndsWith ?? []).some((wanted) => is && value.endsWith(wanted))
  const rejected =
    (NotEquals ?? []).some((wanted) => is && value === wanted) ||
    (NotStartsWith ?? []).some((wanted) => is && value.startsWith(wanted)) ||
    (NotEndsWith ?? []).some((wanted) => is && value.endsWith(wanted))
  return !rejected && (!hasPositive || positive)
}

export const advancedSelects = (selector: AdvancedEventSelector, event: PlainEvent): boolean => {
  const fields: Readonly<Record<string, string | undefined>> = {
    eventCategory: event.eventCategory,
    readOnly: String(event.readOnly),
    eventSource: event.eventSource,
    eventName: event.eventName,
    eventType: event.eventType,
    errorCode: event.errorCode,
    vpcEndpointId: event.vpcEndpointId,
    sessionCredentialFromConsole: event.sessionCredentialFromConsole,
    'userIdentity.arn': event.userIdentity.arn,
  }
  const conditions = selector.FieldSelectors
  const own = conditions.filter(({ Field }) => !Field.startsWith('resources.'))
  const about = conditions.filter(({ Field }) => Field.startsWith('resources.'))
  if (!own.every((condition) => holds(condition, fields[condition.Field]))) return false
  // Type and ARN belong together: one resource must have them all.
  const texts = (event.resources ?? []).map((resource) => ({
    'resources.type': resource.type,
    'resources.ARN': resource.ARN ?? resource.ARNPrefix,
  }))
  return (
    about.length === 0 ||
    texts.some((text) =>
      about.every((condition) => holds(condition, text[condition.Field as keyof typeof text])),
    )
  )
}
