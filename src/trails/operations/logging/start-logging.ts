import type { Operation } from '../../../contract/operation.ts'
import { changeTrail, type TrailOperationDeps } from '../change-trail.ts'

/**
 * API/API_StartLogging.html. A trail that logs already keeps its StartLoggingTime; whether AWS moves
 * it is UNVERIFIED (§A.1). The time of the last stop stays.
 */
export const startLogging =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'StartLogging'> =>
  async (input, call) => {
    await changeTrail(trails, input.Name, call, (trail) =>
      trail.isLogging ? undefined : { isLogging: true, startLoggingTime: call.now },
    )
    return {}
  }
