import type { Operation } from '../../contract/operation.ts'
import type { TrailOperationDeps } from './change-trail.ts'
import { isVisibleIn } from './resolve-trail.ts'

/** API/API_ListTrails.html. The quota of trails fits one page: no token is ever given out. */
export const listTrails =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'ListTrails'> =>
  async (input, call) => {
    if (input.NextToken !== undefined) {
      throw call.fault('ValidationException', 'The NextToken is not one that ListTrails returned.')
    }
    const visible = (await trails.list(call.account)).filter((trail) =>
      isVisibleIn(trail, call.region),
    )
    return {
      Trails: visible.map(({ arn, name, homeRegion }) => ({
        TrailARN: arn,
        Name: name,
        HomeRegion: homeRegion,
      })),
    }
  }
