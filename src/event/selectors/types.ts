/** Event selectors as they are stored: the API's forms with the defaults filled in. */

/** reference/control-plane.md §B.1. */
export interface EventSelector {
  readonly ReadWriteType: 'All' | 'ReadOnly' | 'WriteOnly'
  readonly IncludeManagementEvents: boolean
  readonly DataResources: readonly { readonly Type: string; readonly Values: readonly string[] }[]
  readonly ExcludeManagementEventSources: readonly string[]
}

/** reference/control-plane.md §B.2. */
export interface AdvancedFieldSelector {
  readonly Field: string
  readonly Equals?: readonly string[]
  readonly StartsWith?: readonly string[]
  readonly EndsWith?: readonly string[]
  readonly NotEquals?: readonly string[]
  readonly NotStartsWith?: readonly string[]
  readonly NotEndsWith?: readonly string[]
}

export interface AdvancedEventSelector {
  readonly Name?: string
  readonly FieldSelectors: readonly AdvancedFieldSelector[]
}

/** Exactly one of the two lists. */
export type TrailSelectors =
  | { readonly basic: readonly EventSelector[] }
  | { readonly advanced: readonly AdvancedEventSelector[] }

export const OPERATORS = [
  'Equals',
  'StartsWith',
  'EndsWith',
  'NotEquals',
  'NotStartsWith',
  'NotEndsWith',
] as const

export type Operator = (typeof OPERATORS)[number]
