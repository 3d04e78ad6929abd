import type { Operation } from '../../../contract/operation.ts'
import { changeTrail, type TrailOperationDeps } from '../change-trail.ts'

/** API/API_StopLogging.html. Stopping a trail that does not log succeeds and changes nothing. */
export const stopLogging =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'StopLogging'> =>
  async (input, call) => {
    await changeTrail(trails, input.Name, call, (trail) =>
      trail.isLogging ? { isLogging: false, stopLoggingTime: call.now } : undefined,
    )
    return {}
  }
