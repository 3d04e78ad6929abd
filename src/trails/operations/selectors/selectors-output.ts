import type { OperationOutput } from '../../../contract/operation.ts'
import type { Trail } from '../../trail.ts'

/** The list of the kind that the trail has; the other one is absent. */
export const selectorsOutput = ({ arn, selectors }: Trail): OperationOutput<'GetEventSelectors'> =>
  'basic' in selectors
    ? { TrailARN: arn, EventSelectors: selectors.basic }
    : { TrailARN: arn, AdvancedEventSelectors: selectors.advanced }
