import type { Operation } from '../../contract/operation.ts'
import type { TrailOperationDeps } from './change-trail.ts'
import { findReadable } from './resolve-trail.ts'
import { descriptionOf } from './trail-view.ts'

/** API/API_GetTrail.html. An unknown name is echoed as it was given (§0.4). */
export const getTrail =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'GetTrail'> =>
  async (input, call) => {
    const trail = findReadable(await trails.list(call.account), input.Name, call, 'as-given')
    return { Trail: descriptionOf(trail) }
  }
