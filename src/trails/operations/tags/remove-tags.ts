import type { Operation } from '../../../contract/operation.ts'
import { commitTrails, type TrailOperationDeps } from '../change-trail.ts'
import { checkTags } from './tag-list.ts'
import { taggedTrail } from './tagged-trail.ts'

/** API/API_RemoveTags.html: by key, whatever value is given; unknown keys are no error. */
export const removeTags =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'RemoveTags'> =>
  async (input, call) => {
    await commitTrails(trails, call, (current) => {
      const trail = taggedTrail(current, input.ResourceId, call)
      checkTags(input.TagsList, call.fault)
      const keys = new Set(input.TagsList.map((tag) => tag.Key))
      const tags = trail.tags.filter((tag) => !keys.has(tag.Key))
      if (tags.length === trail.tags.length) return undefined
      return { kind: 'put', trail: { ...trail, tags, revision: trail.revision + 1 } }
    })
    return {}
  }
