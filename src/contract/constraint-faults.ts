/**
 * Which fault a broken constraint of the model answers. The older operations have exceptions of
 * their own for a member; the newer ones answer InvalidParameterException where they declare it,
 * else ValidationException (reference/control-plane.md §0.2). A missing member and a wrong JSON type
 * never come here: they are refused before the operation is known to the service.
 */

import { DECLARED_FAULTS } from './cloudtrail-tables.generated.ts'
import type { DeclaredFaultCode, FaultCode } from './fault.ts'
import type { OperationInput, OperationName } from './operation.ts'

type ConstraintFaults = {
  readonly [Name in OperationName]?: {
    readonly [Member in keyof OperationInput<Name>]?: DeclaredFaultCode<Name>
  }
}

/** By operation and member of its input; what is nested in the member counts as the member. */
export const CONSTRAINT_FAULTS: ConstraintFaults = {
  AddTags: { TagsList: 'InvalidTagParameterException' },
  CreateTrail: { TagsList: 'InvalidTagParameterException' },
  LookupEvents: {
    EventCategory: 'InvalidEventCategoryException',
    LookupAttributes: 'InvalidLookupAttributesException',
    MaxResults: 'InvalidMaxResultsException',
  },
  PutEventSelectors: {
    AdvancedEventSelectors: 'InvalidEventSelectorsException',
    EventSelectors: 'InvalidEventSelectorsException',
  },
  PutInsightSelectors: { InsightSelectors: 'InvalidInsightSelectorsException' },
  RemoveTags: { TagsList: 'InvalidTagParameterException' },
}

/** The fault for a constraint that `member` of the input breaks. */
export const constraintFaultOf = <Name extends OperationName>(
  name: Name,
  member: string,
): FaultCode<Name> => {
  const own = CONSTRAINT_FAULTS[name] as Readonly<Record<string, FaultCode<Name>>> | undefined
  const declared: readonly string[] = DECLARED_FAULTS[name]
  return (
    own?.[member] ??
    (declared.includes('InvalidParameterException')
      ? ('InvalidParameterException' as FaultCode<Name>)
      : 'ValidationException')
  )
}
