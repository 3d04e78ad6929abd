import type { Operation } from '../../../contract/operation.ts'
import type { TrailOperationDeps } from '../change-trail.ts'
import { taggedTrail } from './tagged-trail.ts'

const RESOURCES_MAX = 20

/** API/API_ListTags.html. One bad ARN fails the call; NextToken is reserved and never given out. */
export const listTags =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'ListTags'> =>
  async (input, call) => {
    if (input.NextToken !== undefined) {
      throw call.fault('InvalidTokenException', 'The NextToken is reserved for future use.')
    }
    const count = input.ResourceIdList.length
    if (count === 0 || count > RESOURCES_MAX) {
      throw call.fault('ValidationException', `Specify 1 to ${RESOURCES_MAX} resource ids.`)
    }
    const all = await trails.list(call.account)
    return {
      ResourceTagList: input.ResourceIdList.map((id) => ({
        ResourceId: id,
        TagsList: taggedTrail(all, id, call).tags,
      })),
    }
  }
