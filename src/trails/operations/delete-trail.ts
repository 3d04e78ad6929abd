import type { Operation } from '../../contract/operation.ts'
import { commitTrails, type TrailOperationDeps } from './change-trail.ts'
import { findChangeable } from './resolve-trail.ts'

/**
 * API/API_DeleteTrail.html: at once and for good, also while it logs; its objects stay. The trail in
 * the announcement has stopped, so that nobody has to read a deletion as one.
 */
export const deleteTrail =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'DeleteTrail'> =>
  async (input, call) => {
    await commitTrails(trails, call, (current) => {
      const trail = findChangeable(current, input.Name, call)
      return {
        kind: 'delete',
        trail: {
          ...trail,
          ...(trail.isLogging ? { isLogging: false, stopLoggingTime: call.now } : {}),
          revision: trail.revision + 1,
        },
      }
    })
    return {}
  }
