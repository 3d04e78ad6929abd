import type { Operation } from '../../contract/operation.ts'
import type { TrailOperationDeps } from './change-trail.ts'
import { isVisibleIn, parseIdentifier } from './resolve-trail.ts'
import { descriptionOf } from './trail-view.ts'

/**
 * API/API_DescribeTrails.html. Names that are unknown are left out without an error, and an ARN
 * finds its trail from every region; without names, shadows come unless they are not wanted.
 */
export const describeTrails =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'DescribeTrails'> =>
  async ({ trailNameList = [], includeShadowTrails = true }, call) => {
    const arns = new Set(trailNameList.map((name) => parseIdentifier(name, call).arn))
    const all = await trails.list(call.account)
    const wanted = all.filter((trail) =>
      arns.size > 0
        ? arns.has(trail.arn)
        : trail.homeRegion === call.region ||
          (includeShadowTrails && isVisibleIn(trail, call.region)),
    )
    return { trailList: wanted.map(descriptionOf) }
  }
