import type { Operation } from '../../../contract/operation.ts'
import type { TrailOperationDeps } from '../change-trail.ts'
import { findReadable } from '../resolve-trail.ts'
import { selectorsOutput } from './selectors-output.ts'

/** API/API_GetEventSelectors.html. */
export const getEventSelectors =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'GetEventSelectors'> =>
  async (input, call) =>
    selectorsOutput(findReadable(await trails.list(call.account), input.TrailName, call))
