/**
 * Selectors as one predicate over parsed records: closures, made once per trail revision.
 * Evaluation rules: reference/control-plane.md §B.1 and §B.2.
 */
import type { EventCategory } from '../sealed-event.ts'
import { type EventRecord, fieldOf, isReadOnly, resourcesOf } from './event-fields.ts'
import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  EventSelector,
  TrailSelectors,
} from './types.ts'

export interface EventPredicate {
  (event: EventRecord, sealed: { readonly category: EventCategory }): boolean
  /**
   * The answer for every event of the category; undefined where it depends on the record. Most
   * trails select management events whatever they are: their events need not be parsed.
   */
  readonly always: (category: EventCategory) => boolean | undefined
}

type TextPredicate = (text: string) => boolean

const oneOf = (values: readonly string[]): TextPredicate => {
  const set = new Set(values)
  return (text) => set.has(text)
}

const arnPredicate = (type: string, values: readonly string[]): TextPredicate => {
  if (type === 'AWS::S3::Object') return (arn) => values.some((value) => arn.startsWith(value))
  // Function and table ARNs match whole; a value that ends with the service stands for all.
  const all = values.some((value) => value.split(':').length === 3)
  return all ? () => true : oneOf(values)
}

const compileDataResource = ({
  Type,
  Values,
}: EventSelector['DataResources'][number]): ((event: EventRecord) => boolean) => {
  const matches = arnPredicate(Type, Values)
  // `arn:aws:s3`, `arn:aws:s3:::`, `arn:aws:lambda`: a resource without an ARN counts too.
  const everything = Values.some((value) => /^arn:[^:]+:[^:]+(:::)?$/.test(value))
  return (event) =>
    resourcesOf(event).some(
      ({ type, arn }) => type === Type && (arn === undefined ? everything : matches(arn)),
    )
}

const compileBasic = (selector: EventSelector): EventPredicate => {
  const excluded = new Set(selector.ExcludeManagementEventSources)
  const resources = selector.DataResources.map(compileDataResource)
  const { ReadWriteType: wanted, IncludeManagementEvents: management } = selector
  const always = (category: EventCategory): boolean | undefined => {
    if (category === 'Data') return resources.length === 0 ? false : undefined
    if (category !== 'Management' || !management) return false
    return wanted === 'All' && excluded.size === 0 ? true : undefined
  }
  const selects = (event: EventRecord, { category }: { category: EventCategory }): boolean => {
    if (wanted !== 'All' && isReadOnly(event) !== (wanted === 'ReadOnly')) return false
    if (category === 'Data') return resources.some((matches) => matches(event))
    if (category !== 'Management' || !management) return false
    return excluded.size === 0 || !excluded.has(fieldOf(event, 'eventSource') ?? '')
  }
  return Object.assign(selects, { always })
}

/**
 * Positive operators are OR-ed over all their values, negative ones AND-ed; both groups must hold.
 * A field that is absent satisfies negative operators only.
 */
const compileText = (field: AdvancedFieldSelector): ((text: string | undefined) => boolean) => {
  const { Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith } = field
  const equals = oneOf(Equals ?? [])
  const notEquals = oneOf(NotEquals ?? [])
  const positive = Equals !== undefined || StartsWith !== undefined || EndsWith !== undefined
  return (text) => {
    if (text === undefined) return !positive
    const rejected =
      notEquals(text) ||
      NotStartsWith?.some((value) => text.startsWith(value)) === true ||
      NotEndsWith?.some((value) => text.endsWith(value)) === true
    if (rejected) return false
    return (
      !positive ||
      equals(text) ||
      StartsWith?.some((value) => text.startsWith(value)) === true ||
      EndsWith?.some((value) => text.endsWith(value)) === true
    )
  }
}

type Compiled = { readonly name: string; readonly matches: ReturnType<typeof compileText> }

/** One resource must satisfy all conditions on resources: its type and its ARN belong together. */
const compileResources = (fields: readonly Compiled[]): ((event: EventRecord) => boolean) => {
  const conditions = fields.map(({ name, matches }) => ({ arn: name === 'resources.ARN', matches }))
  if (conditions.length === 0) return () => true
  return (event) =>
    resourcesOf(event).some((resource) =>
      conditions.every(({ arn, matches }) => matches(arn ? resource.arn : resource.type)),
    )
}

const compileAdvanced = (selector: AdvancedEventSelector): EventPredicate => {
  const compiled = selector.FieldSelectors.map((field) => ({
    name: field.Field,
    matches: compileText(field),
  }))
  const resources = compileResources(compiled.filter(({ name }) => name.startsWith('resources.')))
  const categories = compiled.filter(({ name }) => name === 'eventCategory')
  const others = compiled.filter(
    ({ name }) => name !== 'eventCategory' && !name.startsWith('resources.'),
  )
  const always = (category: EventCategory): boolean | undefined => {
    if (!categories.every(({ matches }) => matches(category))) return false
    return categories.length === compiled.length ? true : undefined
  }
  const selects = (event: EventRecord, { category }: { category: EventCategory }): boolean =>
    categories.every(({ matches }) => matches(category)) &&
    others.every(({ name, matches }) => matches(fieldOf(event, name))) &&
    resources(event)
  return Object.assign(selects, { always })
}

/** Of several selectors: one that always selects decides, and so do all that never do. */
const alwaysAny = (
  predicates: readonly EventPredicate[],
  category: EventCategory,
): boolean | undefined => {
  const answers = predicates.map(({ always }) => always(category))
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}

/** An event is selected when any selector selects it. */
export const compileSelectors = (selectors: TrailSelectors): EventPredicate => {
  const predicates =
    'basic' in selectors
      ? selectors.basic.map(compileBasic)
      : selectors.advanced.map(compileAdvanced)
  const selects = (event: EventRecord, sealed: { readonly category: EventCategory }): boolean =>
    predicates.some((each) => each(event, sealed))
  const known: Readonly<Record<EventCategory, boolean | undefined>> = {
    Management: alwaysAny(predicates, 'Management'),
    Data: alwaysAny(predicates, 'Data'),
    NetworkActivity: alwaysAny(predicates, 'NetworkActivity'),
    Insight: alwaysAny(predicates, 'Insight'),
    Aggregated: alwaysAny(predicates, 'Aggregated'),
  }
  return Object.assign(selects, { always: (category: EventCategory) => known[category] })
}
