/**
 * Event selectors: which events a trail delivers. `parseSelectors` checks what a client sends,
 * `compileSelectors` (compile.ts) makes the predicate. reference/control-plane.md §B.
 */
import { isDeepStrictEqual } from 'node:util'
import { parseAdvancedSelectors } from './parse-advanced.ts'
import {
  DEFAULT_BASIC_SELECTOR,
  type EventSelectorInput,
  parseBasicSelectors,
} from './parse-basic.ts'
import { SelectorError } from './selector-error.ts'
import type { AdvancedEventSelector, TrailSelectors } from './types.ts'

/** A new trail: all management events, no data events, no network activity (§B.6). */
export const DEFAULT_SELECTORS: TrailSelectors = { basic: [DEFAULT_BASIC_SELECTOR] }

export const isDefaultSelectors = (selectors: TrailSelectors): boolean =>
  isDeepStrictEqual(selectors, DEFAULT_SELECTORS)

/** What PutEventSelectors takes: exactly one of the two lists. */
export interface SelectorsInput {
  readonly EventSelectors?: readonly EventSelectorInput[]
  readonly AdvancedEventSelectors?: readonly AdvancedEventSelector[]
}

/** Throws SelectorError. `partition` is that of the trail's region. */
export const parseSelectors = (input: SelectorsInput, partition: string): TrailSelectors => {
  const { EventSelectors: basic, AdvancedEventSelectors: advanced } = input
  if (basic !== undefined && advanced !== undefined) {
    throw new SelectorError('Specify either EventSelectors or AdvancedEventSelectors, not both.')
  }
  if (basic !== undefined) return { basic: parseBasicSelectors(basic, partition) }
  if (advanced !== undefined) return { advanced: parseAdvancedSelectors(advanced) }
  throw new SelectorError('Specify EventSelectors or AdvancedEventSelectors.')
}
