import type { Operation } from '../../../contract/operation.ts'
import { commitTrails, type TrailOperationDeps } from '../change-trail.ts'
import { withTags } from './tag-list.ts'
import { taggedTrail } from './tagged-trail.ts'

/** API/API_AddTags.html: puts over by key. */
export const addTags =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'AddTags'> =>
  async (input, call) => {
    await commitTrails(trails, call, (current) => {
      const trail = taggedTrail(current, input.ResourceId, call)
      const tags = withTags(trail.tags, input.TagsList, call)
      return { kind: 'put', trail: { ...trail, tags, revision: trail.revision + 1 } }
    })
    return {}
  }
